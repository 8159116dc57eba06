"""The life of a live session.

It is `scheduled` until its lobby opens, by itself some minutes before the start or when a host opens it: from then on
its viewers may be in its room. A host starts it, and it is `live` until it is ended. One that has not begun may be
cancelled. Nothing leads back, and nothing past the lobby: a session that starts has a room in which to be told of it.
What may be changed of a session that runs is less than of one that waits: see `sessions/service.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from modules.live.errors import bad_transition


class SessionState(StrEnum):
    SCHEDULED = "scheduled"
    LOBBY = "lobby"
    LIVE = "live"
    ENDED = "ended"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self in (SessionState.ENDED, SessionState.CANCELLED)


class Step(StrEnum):
    """What happens to a session."""

    OPEN = "open"
    START = "start"
    END = "end"
    CANCEL = "cancel"


TRANSITIONS: Final[dict[tuple[SessionState, Step], SessionState]] = {
    (SessionState.SCHEDULED, Step.OPEN): SessionState.LOBBY,
    (SessionState.SCHEDULED, Step.CANCEL): SessionState.CANCELLED,
    (SessionState.LOBBY, Step.START): SessionState.LIVE,
    (SessionState.LOBBY, Step.CANCEL): SessionState.CANCELLED,
    (SessionState.LIVE, Step.END): SessionState.ENDED,
}


def after(state: SessionState, step: Step) -> SessionState:
    """The state a step leads to; raises Conflict `live.bad_transition` where there is no such step."""
    found = TRANSITIONS.get((state, step))
    if found is None:
        raise bad_transition(state, step)
    return found
