"""The states of a program.

A draft is its mentors' alone. A published program is in the catalogue and takes enrolments. An archived one is out of
the catalogue and takes none, while those who are enrolled keep what they have; it may be published again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from modules.programs.errors import bad_transition


class ProgramState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Step(StrEnum):
    PUBLISH = "publish"
    ARCHIVE = "archive"


TRANSITIONS: Final[dict[tuple[ProgramState, Step], ProgramState]] = {
    (ProgramState.DRAFT, Step.PUBLISH): ProgramState.PUBLISHED,
    (ProgramState.DRAFT, Step.ARCHIVE): ProgramState.ARCHIVED,
    (ProgramState.PUBLISHED, Step.ARCHIVE): ProgramState.ARCHIVED,
    (ProgramState.ARCHIVED, Step.PUBLISH): ProgramState.PUBLISHED,
}


def after(state: ProgramState, step: Step) -> ProgramState:
    """The state a step leads to; raises Conflict `programs.bad_transition` where there is no such step."""
    found = TRANSITIONS.get((state, step))
    if found is None:
        raise bad_transition(state, step)
    return found
