"""The timers of what follows a session, by the session's id."""

from __future__ import annotations

from typing import Final

import msgspec

# Its figures can be told; its room closes; its stars change no more; its single stays are not kept any longer.
SETTLE: Final = "live.settle"
EMPTY: Final = "live.empty"
RATED: Final = "live.rated"
PRUNE: Final = "live.prune"


class Due(msgspec.Struct, frozen=True):
    session_id: str
