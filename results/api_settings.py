"""The API of all that a teacher sets of a batch."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from batches.api import find_batch
from batches.models import Batch
from batches.shapes import BatchSettings, SettingsBody
from essays.actions.settings import Settings, change_settings, check_settings
from files.capacity import check_work
from huleedu.api.api_view import ApiView, answer, read_body, user_of, versioned
from huleedu.api.schema import answers
from results.api_actions import PARAMETERS, decide
from results.shapes import Snapshot


class SettingsView(ApiView):
    """All that can be set of a batch."""

    @extend_schema(operation_id="get_batch_settings", responses=answers({200: BatchSettings}, 404))
    def get(self, request: Request, batch_id: str) -> Response:
        """What is set."""
        return versioned(answer(settings_of(find_batch(request, batch_id))))

    @extend_schema(
        operation_id="change_batch_settings",
        parameters=PARAMETERS,
        request=SettingsBody,
        responses=answers({200: Snapshot}, 400, 404, 409, 410, 412, 422, 503),
    )
    def patch(self, request: Request, batch_id: str) -> Response:
        """Set what the body names, all of it or nothing. What another language concerns is checked again."""
        batch = find_batch(request, batch_id)
        wanted = settings_wanted(read_body(SettingsBody, request))

        def check() -> None:
            if wanted.language is not None:
                check_work(user_of(request).pk)
            check_settings(batch.pk, wanted)

        return decide(request, batch, lambda: change_settings(batch.pk, user_of(request), wanted), check)


def settings_of(batch: Batch) -> BatchSettings:
    """What is set of the batch."""
    return BatchSettings(
        title=batch.title,
        class_name=batch.class_name,
        assignment=batch.assignment,
        language=batch.language or None,
        language_chosen=batch.language_chosen,
        expected_essay_count=batch.expected_essay_count,
        deadline=batch.deadline,
        auto_start=batch.settings.auto_start,
        version=batch.version,
    )


def settings_wanted(body: SettingsBody) -> Settings:
    """What the body sets."""
    said = {name: value for name in body.model_fields_set if (value := getattr(body, name)) is not None}
    if "language" in body.model_fields_set:
        said["language"] = body.language or ""
    said |= {name: said[name].strip() for name in ("title", "class_name") if name in said}
    return Settings(**said)
