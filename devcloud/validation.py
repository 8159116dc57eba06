"""Checks a document against a shape of a service model, and says what is wrong as AWS does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

# Words for what JSON holds, as the deserializer of the real services names them.
_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "timestamp": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}


class Malformed(Exception):
    """A value has another JSON type than its shape: the real services stop there, before they validate."""


def problems(shape: Any, value: Any, name: str = "") -> list[str]:
    """Everything in which `value` breaks the constraints of a botocore shape; empty when it is good.

    Checks what botocore's own validator leaves out as well: patterns, enumerations and upper bounds. Members that the
    shape does not know are let pass, as the real services do. Raises Malformed.
    """
    return list(_problems(shape, value, name))


def refusal(found: list[str]) -> str:
    """One message for several problems."""
    return f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: {'; '.join(found)}"


def _problems(shape: Any, value: Any, name: str) -> Iterator[str]:
    if not _is(value, shape.type_name):
        raise Malformed(f"{name or 'The request'} is no {shape.type_name}")
    match shape.type_name:
        case "structure":
            yield from _structure(shape, value, name)
        case "list":
            yield from _bounds(shape, len(value), value, name, "length")
            for number, item in enumerate(value, 1):
                yield from _problems(shape.member, item, f"{name}.{number}.member")
        case "map":
            yield from _bounds(shape, len(value), value, name, "length")
            for key, item in value.items():
                yield from _problems(shape.key, key, f"{name}.key")
                yield from _problems(shape.value, item, f"{name}.{key}.value")
        case "string":
            yield from _string(shape, value, name)
        case "timestamp":
            yield from _timestamp(value, name)
        case "integer" | "long" | "float" | "double":
            yield from _bounds(shape, value, value, name, "value")


def _is(value: object, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _structure(shape: Any, value: dict[str, Any], name: str) -> Iterator[str]:
    prefix = f"{name}." if name else ""
    for member in shape.required_members:
        if value.get(member) is None:
            yield _failed(None, prefix + member, "Member must not be null")
    for member, kind in shape.members.items():
        # JSON's null is an absent member to the real services.
        if value.get(member) is not None:
            yield from _problems(kind, value[member], prefix + member)


def _string(shape: Any, value: str, name: str) -> Iterator[str]:
    yield from _bounds(shape, len(value), value, name, "length")
    pattern = shape.metadata.get("pattern")
    # The services match the whole value, and some of the models' patterns carry no anchors.
    if pattern is not None and not _compiled(pattern).fullmatch(value):
        yield _failed(value, name, f"Member must satisfy regular expression pattern: {pattern}")
    enum = shape.metadata.get("enum")
    if enum and value not in enum:
        yield _failed(value, name, f"Member must satisfy enum value set: [{', '.join(enum)}]")


def _timestamp(value: str, name: str) -> Iterator[str]:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        yield _failed(value, name, "Member must be a timestamp")


def _bounds(shape: Any, size: float, value: Any, name: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _failed(value, name, f"Member must have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield _failed(value, name, f"Member must have {what} less than or equal to {most}")


def _failed(value: Any, name: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{name}' failed to satisfy constraint: {constraint}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # The models say `[a-z-]/` for the kind of a tagged resource, one letter, where the services take any kind.
    return re.compile(pattern.replace(":[a-z-]/", ":[a-z-]+/"))
