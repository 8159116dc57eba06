"""What other modules may ask of live."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from modules.live.tables import Session


class SessionFacts(msgspec.Struct, frozen=True):
    """What siblings may know of a session; its state is one of `scheduled`, `lobby`, `live`, `ended`, `cancelled`."""

    id: str
    program_id: str
    lesson_id: str | None
    title: str
    mentor_id: str
    co_mentors: tuple[str, ...]
    state: str
    starts_at: datetime
    ends_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


FACTS: Final = f"SELECT {', '.join(SessionFacts.__struct_fields__)} FROM live_session WHERE id = {{}}"  # noqa: S608


async def session_facts(session_id: str) -> SessionFacts | None:
    """One session; None when there is none."""
    for row in await Session.raw(FACTS, session_id):
        return msgspec.convert(row, SessionFacts)
    return None
