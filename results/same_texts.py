"""Essays of a batch with one text, from files that differ: no error, but a question for the teacher."""

from collections import defaultdict
from uuid import UUID

from batches.models import Batch
from files.models import FileUpload, StoredContent
from files.steps.phrases import alike
from results.shapes import SameText


def same_texts(batch: Batch) -> list[SameText]:
    """The essays that have one text, word for word or almost, together, in order of numbers; two queries.

    Texts from before samples of phrases were kept are compared word for word alone.
    """
    essays = FileUpload.objects.filter(batch=batch, status=FileUpload.Status.ASSIGNED)
    texts = dict(essays.order_by("slot__number").values_list("pk", "text_storage_id"))
    stored = StoredContent.objects.filter(batch=batch, pk__in=[*texts.values()])
    known = {pk: (digest, phrases) for pk, digest, phrases in stored.values_list("pk", "sha256", "phrases")}
    copies: defaultdict[str, list[UUID]] = defaultdict(list)
    samples: dict[str, bytes] = {}
    for file_upload_id, text_id in texts.items():
        if text_id in known:
            digest, phrases = known[text_id]
            copies[digest].append(file_upload_id)
            samples[digest] = bytes(phrases)
    digests = list(samples)
    almost = [[digests[place] for place in places] for places in alike([*samples.values()])]
    told = {digest for group in almost for digest in group}
    exact = [[digest] for digest, those in copies.items() if len(those) > 1 and digest not in told]
    order = {file_upload_id: place for place, file_upload_id in enumerate(texts)}
    found = []
    for group in (*exact, *almost):
        those = sorted((each for digest in group for each in copies[digest]), key=lambda each: order[each])
        found.append(SameText(file_upload_ids=those, word_for_word=len(group) == 1))
    return sorted(found, key=lambda same: order[same.file_upload_ids[0]])
