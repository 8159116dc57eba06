"""Who is typing in a room. Strokes are merged, repeated while they last, and expire by themselves. No IO."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import msgspec

COUNTS: Final = 5.0
REPEAT: Final = 3.0
NAMED: Final = 5


class Typist(msgspec.Struct, frozen=True):
    id: str
    name: str


class Strokes(msgspec.Struct, frozen=True, tag="strokes"):
    """A message to the other nodes: who types, and who stopped."""

    node: str
    on: list[Typist]
    off: list[str]


class TypingChange(msgspec.Struct, frozen=True):
    """The data of the push `typing`: at most five typists by name, and how many there are."""

    users: list[Typist]
    count: int


@dataclass(slots=True)
class RoomTyping:
    """The typists of one room, on all nodes."""

    # Each typist, and when their last stroke expires.
    _typists: dict[str, tuple[Typist, float]] = field(default_factory=dict)
    # Members of this node who began or stopped, which the other nodes were not told yet.
    _on: dict[str, Typist] = field(default_factory=dict)
    _off: set[str] = field(default_factory=set)
    # The typists as the members were last told, and when.
    _shown: frozenset[str] = frozenset()
    _shown_at: float = 0.0

    @property
    def idle(self) -> bool:
        """Whether nobody types and no change is left to send."""
        return not self._typists and not self._shown and not self._on and not self._off

    def set(self, typist: Typist, *, on: bool, now: float) -> None:
        """Note that a member on this node types, or has stopped."""
        if on:
            self._typists[typist.id] = (typist, now + COUNTS)
            self._on[typist.id] = typist
            self._off.discard(typist.id)
        elif self._typists.pop(typist.id, None) is not None:
            self._on.pop(typist.id, None)
            self._off.add(typist.id)

    def take_strokes(self, node: str) -> Strokes | None:
        """The changes since the last call, for the other nodes."""
        if not self._on and not self._off:
            return None
        strokes = Strokes(node, list(self._on.values()), sorted(self._off))
        self._on, self._off = {}, set()
        return strokes

    def receive(self, strokes: Strokes, now: float) -> None:
        """Apply a message of another node."""
        for typist in strokes.on:
            self._typists[typist.id] = (typist, now + COUNTS)
        for user_id in strokes.off:
            self._typists.pop(user_id, None)

    def take_change(self, now: float) -> TypingChange | None:
        """What to push to the members now: a change, or the same list again after a while."""
        for user_id in [user_id for user_id, (_, until) in self._typists.items() if until <= now]:
            del self._typists[user_id]
        ids = frozenset(self._typists)
        if ids == self._shown and (not ids or now - self._shown_at < REPEAT):
            return None
        self._shown, self._shown_at = ids, now
        # The same five for all members, as long as they type.
        users = [typist for typist, _ in list(self._typists.values())[:NAMED]]
        return TypingChange(users, len(ids))
