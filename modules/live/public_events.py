"""The events of live that webhooks tell of: ids, times and words of state, and nothing else."""

from __future__ import annotations

from typing import Final

from modules.integrations.facade import PublicEvent
from modules.live.events import (
    RecordingGone,
    RecordingReady,
    SessionCancelled,
    SessionEnded,
    SessionMoved,
    SessionScheduled,
    SessionStarted,
)

PUBLIC: Final = (
    PublicEvent(SessionScheduled, "session", ("session_id", "program_id", "mentor_id", "starts_at", "ends_at")),
    PublicEvent(SessionMoved, "session", ("session_id", "program_id", "starts_at", "ends_at")),
    PublicEvent(SessionCancelled, "session", ("session_id", "program_id")),
    PublicEvent(SessionStarted, "session", ("session_id", "program_id", "at")),
    PublicEvent(SessionEnded, "session", ("session_id", "program_id", "started_at", "at")),
    PublicEvent(RecordingReady, "session", ("session_id", "program_id", "recording_id", "duration_ms")),
    PublicEvent(RecordingGone, "session", ("session_id", "program_id", "recording_id")),
)
