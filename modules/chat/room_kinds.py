"""What chat is like in each kind of room. All that differs from kind to kind is said here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class RoomRules:
    """The rules of one kind of room.

    `roles` are those that the owner of the kind gives, least first. The others are the least role for something; None
    means that nobody may. Modes and slow mode do not bind a `speaker`, who has an upload in any mode too. A `moderator`
    configures, clears, mutes, and deletes what others wrote.
    """

    kind: str
    roles: tuple[str, ...]
    member: str
    speaker: str | None
    moderator: str | None
    # Who pins.
    pinner: str | None
    # Whether a message may belong to a thread.
    threads: bool = False
    # Whether somebody who is present may be mentioned without a question to the database. Who was taken out of the room
    # is seen there a second longer.
    presence_counts: bool = False

    def speaks(self, role: str) -> bool:
        return self._at_least(role, self.speaker)

    def moderates(self, role: str) -> bool:
        return self._at_least(role, self.moderator)

    def _at_least(self, role: str, least: str | None) -> bool:
        return least is not None and self.roles.index(role) >= self.roles.index(least)


SESSION: Final = RoomRules(
    kind="session",
    roles=("viewer", "speaker", "cohost", "host"),
    member="viewer",
    speaker="speaker",
    moderator="cohost",
    pinner="cohost",
    presence_counts=True,
)
PROGRAM: Final = RoomRules(
    kind="program",
    roles=("student", "mentor"),
    member="student",
    speaker="mentor",
    moderator="mentor",
    pinner="mentor",
    threads=True,
)
# Nobody moderates it: an author deletes what is theirs, and admins read what is reported.
DIRECT: Final = RoomRules(
    kind="direct", roles=("member",), member="member", speaker="member", moderator=None, pinner="member"
)
RULES: Final[Mapping[str, RoomRules]] = {rules.kind: rules for rules in (SESSION, PROGRAM, DIRECT)}


def _least(role: Callable[[RoomRules], str | None]) -> Mapping[str, str]:
    """The kinds of rooms in which somebody may do a thing, each with the least role that may: for `@command`."""
    found = {kind: role(rules) for kind, rules in RULES.items()}
    return {kind: least for kind, least in found.items() if least is not None}


MEMBERS: Final = _least(lambda rules: rules.member)
MODERATORS: Final = _least(lambda rules: rules.moderator)
PINNERS: Final = _least(lambda rules: rules.pinner)
THREADED: Final = tuple(rules.kind for rules in RULES.values() if rules.threads)
# Rooms whose owner has no snapshot command of its own.
SNAPSHOT: Final = {kind: least for kind, least in MEMBERS.items() if kind != SESSION.kind}


def rules_of(room: str) -> RoomRules:
    """The rules of a room that has chat."""
    return RULES[room.partition(":")[0]]


def named(room: str) -> dict[str, str]:
    """What the audit calls a room: `{"session": id}`."""
    kind, _, id = room.partition(":")
    return {kind: id}
