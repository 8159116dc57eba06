"""The events of programs that webhooks tell of: ids, times and words of state, and nothing else."""

from __future__ import annotations

from typing import Final

from modules.integrations.facade import PublicEvent
from modules.programs.events import (
    Enrolled,
    EnrolmentCancelled,
    ProgramArchived,
    ProgramCompleted,
    ProgramPublished,
)

PUBLIC: Final = (
    PublicEvent(ProgramPublished, "program", ("program_id",)),
    PublicEvent(ProgramArchived, "program", ("program_id",)),
    PublicEvent(Enrolled, "program", ("program_id", "user_id")),
    PublicEvent(EnrolmentCancelled, "program", ("program_id", "user_id", "expelled")),
    PublicEvent(ProgramCompleted, "program", ("program_id", "user_id")),
)
