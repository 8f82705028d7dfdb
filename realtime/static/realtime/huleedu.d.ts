/** Types of HuleEdu's live messages and snapshots. Ignore events and fields you do not know. */

export type BatchStatus =
  | "awaiting_content" | "ready" | "processing" | "completed" | "completed_with_failures" | "failed" | "cancelled";

/** The server knows processing … removed; the others exist only in a browser that is sending files. */
export type FileStatus =
  | "waiting" | "uploading" | "unsent"
  | "processing" | "assigned" | "failed" | "excess" | "duplicate" | "removed";

export type ErrorCode =
  | "UNSUPPORTED_FORMAT" | "CORRUPTED_FILE" | "ENCRYPTED_FILE" | "TIMEOUT" | "EMPTY_CONTENT"
  | "NO_TEXT_LAYER" | "ARCHIVE_LIMIT" | "CONTENT_TOO_SHORT" | "CONTENT_TOO_LONG" | "FILE_TOO_LARGE"
  | "DUPLICATE_CONTENT" | "EXCESS_CONTENT" | "EXTRACTION_FAILED" | "STORAGE_FAILED" | "MALWARE"
  | "SPELLCHECK_FAILED" | "ANALYSIS_FAILED" | "LANGUAGE_UNSUPPORTED" | "LANGUAGE_UNKNOWN" | "CONTENT_DAMAGED" | (string & {});

export interface ErrorDetail {
  error_code: ErrorCode;
  message: string;
  correlation_id: string;
  timestamp?: string;
  operation?: string;
  details?: Record<string, unknown>;
}

export interface FileRecord {
  file_upload_id: string;
  client_ref: string | null;
  filename: string;
  /** Where the file lay, such as "Anna" or "9B/Anna"; "" when that is not known. */
  folder: string;
  /** Bytes. */
  size: number;
  content_hash: string;
  format: string | null;
  status: Exclude<FileStatus, "waiting" | "uploading" | "unsent">;
  /** Grows with every change of this record: never overwrite a higher one with a lower one. */
  rev: number;
  essay_id: string | null;
  essay_number: number | null;
  words: number | null;
  /** The essay's own (BCP 47, "und" for one without a name here); null: not known, the batch's applies. */
  language: string | null;
  /** The teacher chose it for this essay. */
  language_chosen: boolean;
  error: ErrorDetail | null;
  correlation_id: string;
  created_at: string;
  updated_at: string;
}

export interface BatchCounts {
  free: number;
  assigned: number;
  received: number;
  in_progress: number;
  failed: number;
  excess: number;
  duplicate: number;
}

export interface BatchSnapshot {
  batch_id: string;
  correlation_id: string;
  title: string;
  class_name: string;
  /** Chosen by the teacher, or found from the first essays; null until these show one. */
  language: "sv" | "en" | null;
  language_chosen: boolean;
  status: BatchStatus;
  expected_essay_count: number;
  deadline: string;
  /** The last day on which it is kept; null: for ever. */
  ends_on: string | null;
  /** Since when it is archived; null: it is not. */
  archived_at: string | null;
  timed_out_at: string | null;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  /** The last event this snapshot includes; connect with `after=seq&epoch=epoch`; null: before the first. */
  seq: number;
  epoch: string | null;
  /** Counts the teacher's decisions, for `If-Match`. */
  version: number;
  configuration: Record<string, unknown>;
  counts: BatchCounts;
  files: FileRecord[];
  essays: { essay_id: string; number: number; status: string; file_upload_id: string | null }[];
}

interface InBatch {
  batch_id: string;
  correlation_id: string;
  /** Counts deliberate repeats. */
  revision: number;
}

interface OfFile extends InBatch {
  file_upload_id: string;
  rev: number;
}

interface OfEssay extends InBatch {
  essay_id: string;
}

export interface EssayReference {
  essay_id: string;
  text_storage_id: string;
}

export interface PhaseCounts {
  status: string;
  succeeded: number;
  failed: number;
  duration_ms: number;
}

export interface EventData {
  "batch.file.added": OfFile & {
    filename: string;
    folder: string;
    size: number;
    content_hash: string;
    raw_storage_id: string;
    client_ref: string | null;
    created_at: string;
  };
  "file.processing.started": OfFile;
  "essay.slot.assigned": OfEssay & {
    essay_number: number;
    file_upload_id: string;
    text_storage_id: string;
    filename: string;
    words: number | null;
    characters: number | null;
    format: string | null;
    language: string | null;
    rev: number;
    error: ErrorDetail | null;
  };
  "essay.validation.failed": OfFile & {
    filename: string;
    raw_storage_id: string | null;
    size: number;
    validation_error_code: ErrorCode;
    validation_error_detail: ErrorDetail;
  };
  "essay.content.excess": OfFile & {
    filename: string;
    text_storage_id: string;
    reason: "no_free_slot";
  };
  "essay.content.duplicate": OfFile & {
    duplicate_of: string;
  };
  "batch.file.removed": OfFile & {
    filename: string;
    reason: "removed" | "replaced";
    essay_id: string | null;
    chosen_language: string;
  };
  "file.reprocess.requested": OfFile & {
    from_phase: string;
    requested_by: number;
  };
  "file.language.changed": OfFile & {
    who: number;
    old: string | null;
    language: string | null;
    language_chosen: boolean;
  };
  "essay.note.changed": OfFile & {
    essay_id: string | null;
    who: number;
    is_read: boolean;
    note_version: number;
  };
  "batch.essays.ready": InBatch & {
    ready_essays: EssayReference[];
    failed_files: string[];
    excess_files: string[];
  };
  "batch.readiness.timeout": InBatch & {
    ready_essays: EssayReference[];
    missing_n: number;
    missing_essay_ids: string[];
    expected_count: number;
    actual_count: number;
    timeout_seconds: number;
  };
  "essay.spellcheck.completed": OfEssay & {
    file_upload_id: string;
    status: "succeeded" | "failed";
    error: ErrorDetail | null;
    duration_ms: number;
    engine: string;
    language: string | null;
    essay_status: string | null;
    findings: number | null;
    words: number | null;
    density: number | null;
    fewer_suggestions: boolean | null;
    corrected_text_storage_id: string | null;
  };
  "essay.analysis.completed": OfEssay & {
    file_upload_id: string;
    status: "succeeded" | "failed";
    error: ErrorDetail | null;
    duration_ms: number;
    engine: string;
    language: string | null;
    essay_status: string | null;
    words: number | null;
    sentences: number | null;
    paragraphs: number | null;
    sentence_words: number | null;
    paragraph_words: number | null;
    lix: number | null;
    flesch: number | null;
    mtld: number | null;
    hdd: number | null;
    zipf: number | null;
  };
  "batch.phase.concluded": InBatch & {
    phase: string;
    status: "succeeded" | "succeeded_with_failures" | "failed";
    succeeded: number;
    failed: number;
    essay_ids_failed: string[];
    duration_ms: number;
  };
  "batch.results.ready": InBatch & {
    status: "completed" | "completed_with_failures" | "failed";
    essays: number;
    succeeded: number;
    failed: number;
    duration_seconds: number;
    phases: Record<string, PhaseCounts>;
  };
  "export.ready": InBatch & {
    export_id: string;
    kind_of_export: string;
    attempt: number;
    status: "ready" | "failed";
    essays: number;
  };
  "batch.changed": InBatch & {
    who: number;
    old: unknown;
    new: unknown;
    status: BatchStatus;
    expected_essay_count: number;
    deadline: string | null;
    reason?: string;
    language?: string | null;
    language_chosen?: boolean;
    settings?: string[];
    scope?: string;
  };
  "batch.language.found": InBatch & {
    language: string;
  };
  "batch.deleted": InBatch & {
    who: number;
    old: unknown;
    new: unknown;
    status: string;
    expected_essay_count: number;
    deadline: string | null;
  };
}

export type EventName = keyof EventData;

export interface LiveEvent<N extends EventName = EventName> {
  type: "event";
  event: N;
  /** Per batch, +1 per event, without gaps. */
  seq: number;
  timestamp: string;
  correlation_id: string;
  data: EventData[N];
}

export interface Hello {
  type: "hello";
  epoch: string;
  seq: number;
  /** Seconds between pings; silence for 2.25 times as long means the connection is dead. */
  heartbeat: number;
}

/** Messages of /ws/batches/<batch_id>/?after=&epoch= */
export type ServerMessage = Hello | LiveEvent | { type: "resync" } | { type: "ping" };

/** Messages of /ws/teacher/ */
export type TeacherMessage = Hello | { type: "changed"; batch_id: string; seq: number } | { type: "ping" };

/** Answer of GET /v1/batches/<batch_id>/events?after=&epoch= */
export interface EventPage {
  epoch: string;
  seq: number;
  resync: boolean;
  events: LiveEvent[];
}

/** Close codes after which a client stays away: signed out, not yours, no such batch. */
export type FinalCloseCode = 4401 | 4403 | 4404;
