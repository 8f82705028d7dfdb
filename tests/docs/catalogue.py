"""What the code says of its events and codes, as docs/events.md and the TypeScript types tell it."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from huleedu.answers.problems import STATUS_OF_REFUSAL
from huleedu.events.catalogue import CATALOGUE
from huleedu.events.feed import MESSAGE_NAMES
from huleedu.events.vocabulary import EssayEvent, Event, FileEvent

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("huleedu", "batches", "files", "essays", "results", "realtime")
WORDS = {
    ("string", "uuid"): "uuid",
    ("string", "date-time"): "time",
    ("string", None): "text",
    ("integer", None): "integer",
    ("number", None): "number",
    ("boolean", None): "boolean",
    ("object", None): "object",
    ("null", None): "null",
}
Schema = dict[str, Any]


def kind_of(schema: Schema) -> str:
    """A field's type in words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return f'"{schema["const"]}"'
    if "enum" in schema:
        return " or ".join(f'"{one}"' for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(kind_of(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {kind_of(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"{kind_of(schema['additionalProperties'])} by name"
    return WORDS[schema["type"], schema.get("format")] if "type" in schema else "anything"


def fields_of(model: type[Any]) -> dict[str, str]:
    """A model's fields with their types; the name of an optional one ends with ``?``."""
    schema = model.model_json_schema()
    required = schema.get("required", [])
    return {
        name if name in required else f"{name}?": kind_of(field)
        for name, field in schema["properties"].items()
    }


def own_fields(event: type[Event]) -> dict[str, str]:
    """An event's fields besides those that every event about its aggregate has."""
    shared = fields_of(next(base for base in (FileEvent, EssayEvent, Event) if issubclass(event, base)))
    return {name: kind for name, kind in fields_of(event).items() if name not in shared}


def event_row(name: str) -> str:
    """One event's row up to the words that say when it happens."""
    event = CATALOGUE[name]
    live = f"`{MESSAGE_NAMES[name]}`" if name in MESSAGE_NAMES else "–"
    about = event.aggregate if event.kind == "event" else f"{event.aggregate}, command"
    fields = ", ".join(f"`{field}: {kind}`" for field, kind in own_fields(event).items()) or "–"
    return f"| `{name}` | {about} | `{event.topic}` | {live} | {fields} |"


def parsed_sources() -> Iterator[ast.Module]:
    """Every module of the project that runs; the pages of files refuse in words, without a status."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts and path != ROOT / "files" / "views.py":
                yield ast.parse(path.read_text())


def constants(nodes: list[ast.expr]) -> list[Any]:
    """The literals among ``nodes``."""
    return [node.value for node in nodes if isinstance(node, ast.Constant)]


def codes_of_refusal(node: ast.ClassDef) -> list[str]:
    """The codes that a kind of ``Refused`` of its own names."""
    if not any(isinstance(base, ast.Name) and base.id == "Refused" for base in node.bases):
        return []
    named = (each for each in ast.walk(node) if isinstance(each, ast.Attribute))
    return [each.attr for each in named if isinstance(each.value, ast.Name) and each.value.id == "ErrorCode"]


def problem_statuses() -> dict[str, set[int]]:
    """The HTTP statuses with which each code of a problem is answered, wherever the code names both."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for module in parsed_sources():
        for node in ast.walk(module):
            if isinstance(node, ast.Call):
                values = constants(node.args)
                if isinstance(node.func, ast.Name) and node.func.id == "Refused" and values:
                    found[values[0]].add(STATUS_OF_REFUSAL.get(values[0], 409))
            elif isinstance(node, ast.ClassDef):
                values = []
                for code in codes_of_refusal(node):
                    found[code].add(STATUS_OF_REFUSAL.get(code, 409))
            elif isinstance(node, ast.Tuple):
                values = constants(node.elts)
            else:
                continue
            for one, other in pairwise(values):
                if is_status(one) and isinstance(other, str) and other.isupper():
                    found[other].add(one)
    return dict(sorted(found.items()))


SCRIPT_WORDS = {
    **dict.fromkeys(("uuid", "time", "text"), "string"),
    **dict.fromkeys(("integer", "number"), "number"),
    "object": "Record<string, unknown>",
    "anything": "unknown",
    "list of uuid": "string[]",
    "list of text": "string[]",
    "list of EssayReference": "EssayReference[]",
    "PhaseCounts by name": "Record<string, PhaseCounts>",
}
CLOSER = {  # what the catalogue leaves open and browsers know
    ("batch.changed", "status"): "BatchStatus",
    ("essay.validation.failed", "validation_error_code"): "ErrorCode",
}
SCRIPT_BASES = {"batch": "InBatch", "file": "OfFile", "essay": "OfEssay"}


def script_type(kind: str) -> str:
    """A type in words as TypeScript has it."""
    return " | ".join(SCRIPT_WORDS.get(one, one) for one in kind.split(" or "))


def script_data(message: str) -> str:
    """The member of TypeScript's ``EventData`` for one live message. A server fills in what is optional."""
    events = [CATALOGUE[name] for name, live in MESSAGE_NAMES.items() if live == message]
    fields: dict[str, str] = {}
    for event in events:
        for name, kind in own_fields(event).items():
            alone = any(name not in own_fields(other) for other in events)
            bare = name.rstrip("?")
            fields[f"{bare}?" if alone else bare] = CLOSER.get((message, bare), script_type(kind))
    base = SCRIPT_BASES[events[0].aggregate]
    if not fields:
        return f'  "{message}": {base};'
    told = [f"    {name}: {kind};" for name, kind in fields.items()]
    return "\n".join([f'  "{message}": {base} & {{', *told, "  };"])


def is_status(value: object) -> bool:
    """True for the number of an HTTP failure."""
    return isinstance(value, int) and 400 <= value < 600
