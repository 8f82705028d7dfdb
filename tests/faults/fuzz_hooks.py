"""What Schemathesis cannot know: answers about what happened before, which no description can say.

It allows 409 for that reason by itself. These are the same with a status of their own.
"""

import json
import random
from typing import Any
from uuid import uuid4

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure

MOSTLY = 0.8
CHOOSE = random.Random(1)  # noqa: S311
CONFLICTS = {
    "BATCH_CHANGED",  # 412: `If-Match` names another version than the batch has now
    "IDEMPOTENCY_KEY_REUSED",  # 422: the key was used for another request
    "EXPORT_ENDED",  # 410: it was erased before
    "UPLOAD_INCOMPLETE",  # 422: the manifest does not tell of the files that came with it
}


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], **named: Any) -> None:
    """Let most valid requests through that a used key or an old version would stop."""
    mode = case.meta.generation.mode if case.meta else None
    if mode is None or not mode.is_positive or not case.headers or CHOOSE.random() > MOSTLY:
        return
    case.headers.pop("If-Match", None)
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid4().hex


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """False for a valid request that was refused for the sake of another one, and for a removed file.

    A file that was removed has only left its batch: it can be read, traced and brought back. An export that
    was removed tells so.
    """
    kind = type(failure).__name__
    if kind == "UseAfterFree":
        return not case.operation.path.startswith(("/v1/files/", "/v1/exports/"))
    if kind != "RejectedPositiveData" or response.status_code not in {410, 412, 422}:
        return True
    return bool(json.loads(response.content)["code"] not in CONFLICTS)
