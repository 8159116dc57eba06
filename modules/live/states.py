"""The life of a live session, as a table of its states and steps.

A session is `scheduled` first. Its lobby opens some minutes before the start, by a timer or by a host, and then viewers
may enter its room. A host starts the session, and it is `live` until somebody or a timer ends it. A session that has
not begun may be cancelled. No step leads back, but a move does: a session whose lobby is open is `scheduled` again
when its new beginning is later and its lobby opens later too. Every session passes through the lobby, so there is a
room that hears of the start. Once a session is live, less of it can be changed: see `sessions/service.py`.
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
    def begun(self) -> bool:
        """Whether it was live, or never will be."""
        return self not in (SessionState.SCHEDULED, SessionState.LOBBY)

    @property
    def over(self) -> bool:
        return self in (SessionState.ENDED, SessionState.CANCELLED)


class Step(StrEnum):
    """A step in the life of a session."""

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
    """The state after the step. Raises Conflict `live.bad_transition` when the state has no such step."""
    found = TRANSITIONS.get((state, step))
    if found is None:
        raise bad_transition(state, step)
    return found
