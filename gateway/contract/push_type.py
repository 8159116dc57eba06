"""A push that a module may publish: its name, and the struct that is its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class PushType(Generic[T]):
    """Declared once, as a constant beside its struct, and listed in `pushes` of the feature that publishes it.

    `name` is `<module>.<what>`. Publishing one that no module lists is a ValueError: whoever reads a room's pushes may
    rely on the struct behind a name.

    With `is_message` the push is something that a member says, as in a chat: `Rooms.count_messages` counts it.
    """

    name: str
    data: type[T]
    is_message: bool = False

    def __str__(self) -> str:
        return self.name
