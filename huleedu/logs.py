"""JSON log lines with the keys corr_id, batch_id, essay_id, file_upload_id, phase, status, duration_ms.

Never essay text, file names or people's names: callers log ids and counts only.
"""

import logging.config
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
]


@contextmanager
def bound(**values: object) -> Iterator[None]:
    """Add ``values`` to every log line of the block; ids are written as strings."""
    with structlog.contextvars.bound_contextvars(**{key: str(value) for key, value in values.items()}):
        yield


def drop_tracebacks_text(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace an exception by its class and places: its message may quote what a pupil wrote."""
    info = event.pop("exc_info", None)
    if isinstance(info, tuple) and info[0] is not None:
        event["error"] = info[0].__name__
        event["where"] = places(info[2])
    return event


def describe(error: BaseException) -> str:
    """The exception's class and place. Its message may quote essay text, so it is left out."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f" in {frame.tb_frame.f_code.co_qualname} line {frame.tb_lineno}" if frame else ""
    return f"{type(error).__name__}{place}"


def places(trace: Any) -> list[str]:
    """file:line of each frame, outermost first."""
    found = []
    while trace is not None:
        found.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    return found


def destination(file: str) -> dict[str, str]:
    """Where lines go: to ``file``, which is opened anew when it was renamed, else to standard error."""
    if file:
        return {"class": "huleedu.machine.log_files.ReopenedFile", "filename": file}
    return {"class": "logging.StreamHandler"}


def configure(options: dict[str, str]) -> None:
    """Set up standard logging and structlog; ``options`` has ``level``, perhaps ``file``. Django calls it."""
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [*SHARED, structlog.stdlib.ExtraAdder(allow=["status_code"])],
        "processors": [
            normalise_exc_info,
            drop_tracebacks_text,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": formatter},
            "handlers": {"lines": {**destination(options.get("file", "")), "formatter": "json"}},
            "root": {"handlers": ["lines"], "level": options["level"]},
            "loggers": {
                "django.request": {"level": "ERROR"},
                # Every stranger's guess at a host, in its own words; ``proxy.mistake`` tells it now and then.
                "django.security.DisallowedHost": {"level": "CRITICAL"},
                # What a list in the admin is asked by, in the asker's words.
                "django.security.DisallowedModelAdminLookup": {"level": "CRITICAL"},
                "django-q": {"level": "WARNING"},
                "daphne": {"level": "WARNING"},
            },
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def normalise_exc_info(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Turn ``exc_info=True`` and records' own exceptions into one form."""
    info = event.get("exc_info")
    record = event.get("_record")
    if info is None and record is not None and record.exc_info:
        info = record.exc_info
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if info:
        event["exc_info"] = info
    return event
