"""The registry of client events: what clients may send, with the schema of its properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import msgspec
from msgspec import inspect

from gateway.contract import Kernel
from modules.analytics.facade import ClientEventType
from modules.analytics.tracking.messages import EventType, EventTypes


class ClientEventTypes:
    """All that the modules of this gateway contributed; complete once they are built."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    @cached_property
    def by_name(self) -> Mapping[str, ClientEventType]:
        return {one.name: one for one in self._kernel.contributed(ClientEventType)}

    @cached_property
    def listed(self) -> EventTypes:
        """All of them by name, as clients see them."""
        types = sorted(self.by_name.values(), key=lambda one: one.name)
        return EventTypes([EventType(one.name, _described(one), _schema(one)) for one in types])

    def check(self) -> None:
        """Raises ValueError for a name that two contributed, and for properties that may hold free text."""
        names = [one.name for one in self._kernel.contributed(ClientEventType)]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(doubled)}: two modules contribute a client event of this name")
        for one in self.by_name.values():
            for fault in _faults(one):
                raise ValueError(f"client event {one.name}: {fault}")


def _described(one: ClientEventType) -> str:
    return (one.properties.__doc__ or "").strip().partition("\n")[0]


def _schema(one: ClientEventType) -> dict[str, Any]:
    """The JSON schema of its properties, without references to elsewhere."""
    (schema,), definitions = msgspec.json.schema_components([one.properties], ref_template="#/$defs/{name}")
    own = definitions.pop(one.properties.__name__, schema)
    return {**own, "$defs": definitions} if definitions else own


def _faults(one: ClientEventType) -> Iterator[str]:
    """Why its properties could hold what names a person."""
    found = inspect.type_info(one.properties)
    if not isinstance(found, inspect.StructType):
        yield "its properties are no msgspec.Struct"
        return
    if not found.forbid_unknown_fields:
        yield "its properties take unknown fields; write forbid_unknown_fields=True"
    for field in found.fields:
        if not _is_safe(field.type):
            yield f"{field.name} may hold free text; use whole numbers, words of a fixed choice, and ids with a pattern"


def _is_safe(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return all(map(_is_safe, kind.types))
    if isinstance(kind, inspect.StrType):
        return kind.pattern is not None
    fixed = (inspect.IntType, inspect.BoolType, inspect.NoneType, inspect.EnumType, inspect.LiteralType)
    return isinstance(kind, (*fixed, inspect.UUIDType))
