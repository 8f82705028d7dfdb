"""Statements that must find no row in an installation at rest, with the invariant each belongs to."""

FACTS_THAT_MUST_NOT_BE = {
    "a place is held twice": (
        "I2",
        "SELECT slot_id FROM files_fileupload WHERE slot_id IS NOT NULL GROUP BY slot_id HAVING count(*) > 1",
    ),
    "a number is given twice": (
        "I2",
        "SELECT batch_id, number FROM batches_essayslot GROUP BY batch_id, number HAVING count(*) > 1",
    ),
    "a file holds another batch's place": (
        "I7",
        "SELECT f.id FROM files_fileupload f JOIN batches_essayslot s ON s.id = f.slot_id"
        " WHERE s.batch_id <> f.batch_id",
    ),
    "an essay without its place": (
        "I2",
        "SELECT id FROM files_fileupload WHERE status = 'assigned' AND slot_id IS NULL",
    ),
    "a filled place without a file": (
        "I2",
        "SELECT s.id FROM batches_essayslot s WHERE s.status <> 'awaiting_content' AND NOT EXISTS"
        " (SELECT 1 FROM files_fileupload f WHERE f.slot_id = s.id AND f.status IN ('assigned',"
        " 'processing'))",
    ),
    "an essay and its place hold different texts": (
        "I2",
        "SELECT f.id FROM files_fileupload f JOIN batches_essayslot s ON s.id = f.slot_id"
        " WHERE f.status = 'assigned' AND f.text_storage_id IS DISTINCT FROM s.text_storage_id",
    ),
    "more or fewer places than expected": (
        "I2",
        "SELECT b.id, b.expected_essay_count, count(s.id) FROM batches_batch b"
        " LEFT JOIN batches_essayslot s ON s.batch_id = b.id GROUP BY b.id"
        " HAVING b.expected_essay_count <> count(s.id)",
    ),
    "a file waits while a place is free": (
        "I2",
        "SELECT f.id, b.status FROM files_fileupload f JOIN batches_batch b ON b.id = f.batch_id"
        " WHERE f.status = 'excess' AND b.status IN ('awaiting_content', 'ready', 'processing') AND"
        " EXISTS (SELECT 1 FROM batches_essayslot s"
        " WHERE s.batch_id = b.id AND s.status = 'awaiting_content'"
        " AND NOT EXISTS (SELECT 1 FROM files_fileupload h WHERE h.slot_id = s.id))",
    ),
    "a duplicate without its original": (
        "I2",
        "SELECT f.id, f.batch_id, o.status, o.content_hash = f.content_hash FROM files_fileupload f"
        " JOIN batches_batch b ON b.id = f.batch_id LEFT JOIN files_fileupload o ON o.id ="
        " f.duplicate_of_id"
        " WHERE f.status = 'duplicate' AND b.status IN ('awaiting_content', 'ready', 'processing')"
        " AND NOT EXISTS (SELECT 1 FROM files_fileupload t"
        " WHERE t.batch_id = f.batch_id AND t.id <> f.id AND t.status IN ('assigned', 'excess',"
        " 'processing')"
        " AND t.content_hash = f.content_hash)",
    ),
    "a batch is stuck in processing": (
        "I3",
        "SELECT id FROM batches_batch WHERE status = 'processing'",
    ),
    "a ready batch does not start": (
        "I3",
        "SELECT id FROM batches_batch WHERE status = 'ready' AND (configuration->>'auto_start')::bool",
    ),
    "a batch waits without a timer": (
        "I3",
        "SELECT b.id FROM batches_batch b WHERE b.status = 'awaiting_content' AND b.timed_out_at IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM huleedu_timer t WHERE t.batch_id = b.id)",
    ),
    "a full batch is not ready": (
        "I3",
        "SELECT b.id FROM batches_batch b WHERE b.status = 'awaiting_content' AND b.expected_essay_count <="
        " (SELECT count(*) FROM files_fileupload f WHERE f.batch_id = b.id AND f.status = 'assigned')",
    ),
    "an open step of a finished batch": (
        "I3",
        "SELECT r.id, b.status FROM essays_steprun r JOIN batches_essayslot s ON s.id = r.slot_id"
        " JOIN batches_batch b ON b.id = s.batch_id WHERE r.status IN ('awaiting', 'running')"
        " AND r.revision = s.revision AND b.status LIKE 'completed%'",
    ),
    "an event is still in the outbox": (
        "I4",
        "SELECT event_type, attempts, last_error FROM huleedu_outboxmessage WHERE due_at <= now()",
    ),
    "an event died": (
        "I4",
        "SELECT event_type, consumer, first_error FROM huleedu_deadletter WHERE kind = 'event'",
    ),
    "work is left": (
        "I4",
        "SELECT step, state, attempts FROM huleedu_workitem",
    ),
    "an effect happened twice": (
        "I4",
        "SELECT consumer, event_id FROM huleedu_consumedevent GROUP BY consumer, event_id HAVING"
        " count(*) > 1",
    ),
    "an event was logged twice": (
        "I4",
        "SELECT event_id FROM huleedu_loggedevent GROUP BY event_id HAVING count(*) > 1",
    ),
    "a file was announced more often than it changed": (
        "I4",
        "SELECT f.id FROM files_fileupload f JOIN huleedu_loggedevent e ON e.file_upload_id = f.id"
        " WHERE e.event_type = 'BatchFileAdded' GROUP BY f.id, f.revision HAVING count(*) > f.revision + 1",
    ),
    "a step was told of other than once": (
        "I4",
        "SELECT s.id, count(DISTINCT r.id), (SELECT count(*) FROM huleedu_loggedevent e WHERE"
        " e.essay_id = s.id"
        " AND e.event_type = 'SpellcheckCompleted') FROM batches_essayslot s"
        " LEFT JOIN essays_steprun r ON r.slot_id = s.id AND r.status IN ('succeeded', 'failed')"
        " GROUP BY s.id HAVING count(DISTINCT r.id) <> (SELECT count(*) FROM huleedu_loggedevent e"
        " WHERE e.essay_id = s.id AND e.event_type = 'SpellcheckCompleted')",
    ),
    "an essay of a finished batch has no result": (
        "I1",
        "SELECT f.id FROM files_fileupload f JOIN batches_batch b ON b.id = f.batch_id"
        " WHERE f.status = 'assigned' AND b.status LIKE 'completed%' AND NOT EXISTS"
        " (SELECT 1 FROM results_essayresult r WHERE r.slot_id = f.slot_id)",
    ),
    "a result for nobody": (
        "I2",
        "SELECT r.slot_id FROM results_essayresult r WHERE NOT EXISTS (SELECT 1 FROM files_fileupload f"
        " WHERE f.slot_id = r.slot_id AND f.status IN ('assigned', 'processing'))",
    ),
    "a finished batch is announced other than once for each run": (
        "I4",
        "SELECT batch_id, envelope->>'event_id' FROM huleedu_loggedevent WHERE event_type ="
        " 'BatchResultsReady'"
        " GROUP BY 1, 2 HAVING count(*) > 1",
    ),
    "an export is made for ever": (
        "I3",
        "SELECT id, status FROM results_export WHERE status IN ('queued', 'running')",
    ),
    "an export is ready and not whole": (
        "I1",
        "SELECT e.id, e.done, e.total FROM results_export e WHERE e.status = 'ready' AND (e.done <> e.total"
        " OR NOT EXISTS (SELECT 1 FROM files_storedcontent c WHERE c.id = e.storage_id AND c.kind = 'made'"
        " AND c.batch_id = e.batch_id AND c.size = e.size))",
    ),
    "bytes of no export": (
        "I6",
        "SELECT c.id FROM files_storedcontent c WHERE c.kind = 'made'"
        " AND NOT EXISTS (SELECT 1 FROM results_export e WHERE e.storage_id = c.id)",
    ),
    "an export was announced other than once": (
        "I4",
        "SELECT e.id, e.status, e.attempt, count(l.id) FROM results_export e"
        " LEFT JOIN huleedu_loggedevent l ON l.batch_id = e.batch_id AND l.event_type = 'ExportEnded'"
        " AND l.envelope->'data'->>'export_id' = e.id::text"
        " AND (l.envelope->'data'->>'attempt')::int = e.attempt"
        " GROUP BY e.id HAVING (e.status IN ('ready', 'failed') AND count(l.id) <> 1)"
        " OR (e.status = 'cancelled' AND count(l.id) <> 0) OR count(l.id) > 1",
    ),
    "content belongs to somebody else": (
        "I7",
        "SELECT c.id FROM files_storedcontent c JOIN batches_batch b ON b.id = c.batch_id"
        " WHERE b.owner_id <> c.owner_id",
    ),
    "a file uses another batch's content": (
        "I7",
        "SELECT f.id FROM files_fileupload f JOIN files_storedcontent c"
        " ON c.id IN (f.raw_storage_id, f.text_storage_id) WHERE c.batch_id <> f.batch_id",
    ),
    "a file refers to content without a row": (
        "I1",
        "SELECT f.id FROM files_fileupload f WHERE (f.raw_storage_id IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM files_storedcontent c WHERE c.id = f.raw_storage_id)) OR"
        " (f.text_storage_id IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM files_storedcontent c WHERE c.id = f.text_storage_id))",
    ),
    "a feed belongs to somebody else": (
        "I7",
        "SELECT d.batch_id FROM huleedu_feed d JOIN batches_batch b ON b.id = d.batch_id"
        " WHERE b.owner_id <> d.owner_id",
    ),
    "a result belongs to another batch": (
        "I7",
        "SELECT r.slot_id FROM results_essayresult r JOIN batches_essayslot s ON s.id = r.slot_id"
        " WHERE s.batch_id <> r.batch_id",
    ),
    "a teacher's bytes are counted wrong": (
        "I1",
        "SELECT owner_id, coalesce(usage.bytes, 0), coalesce(there.bytes, 0) FROM huleedu_usage usage"
        " FULL JOIN (SELECT owner_id, sum(size) AS bytes FROM files_storedcontent GROUP BY owner_id) there"
        " USING (owner_id) WHERE coalesce(usage.bytes, 0) <> coalesce(there.bytes, 0)",
    ),
    "a day's files are counted below those that are there": (
        "I1",
        "SELECT usage.owner_id, usage.files FROM huleedu_usage usage WHERE usage.files <"
        " (SELECT count(*) FROM files_fileupload f JOIN batches_batch b ON b.id = f.batch_id"
        " WHERE b.owner_id = usage.owner_id AND usage.day = (now() AT TIME ZONE 'UTC')::date"
        " AND (f.created_at AT TIME ZONE 'UTC')::date = usage.day)",
    ),
}
