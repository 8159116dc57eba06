"""The curves of watched classes, between two reads of all presence. No IO.

All presence of a class is read once a minute, when a new point begins. Between two reads the last point rises with the
viewers of each look. So a thousand viewers cost as much as ten, but for that read.
"""

from __future__ import annotations

from datetime import datetime

from modules.live.facade import ClassCurve, ClassNow


class Curves:
    """The curves that this node has read."""

    def __init__(self) -> None:
        self._curves: dict[str, tuple[ClassCurve, bool]] = {}

    def needs_read(self, session: ClassNow, now: datetime) -> bool:
        """Whether a new point has begun since the curve was read, or the class has started or ended."""
        held = self._curves.get(session.session_id)
        if held is None:
            return True
        curve, over = held
        if curve.started_at != session.started_at or over != (session.ended_at is not None):
            return True
        return not over and points(session, now, curve.step) > len(curve.viewers)

    def put(self, session: ClassNow, curve: ClassCurve) -> None:
        self._curves[session.session_id] = (curve, session.ended_at is not None)

    def raised(self, session: ClassNow) -> ClassCurve:
        """The curve with the viewers of this look; only after `put`."""
        curve, over = self._curves[session.session_id]
        if not over and curve.viewers and curve.viewers[-1] < session.viewers:
            curve = ClassCurve(curve.started_at, curve.step, (*curve.viewers[:-1], session.viewers))
            self._curves[session.session_id] = (curve, over)
        return curve

    def keep(self, sessions: set[str]) -> None:
        """Forget all other classes."""
        for session in self._curves.keys() - sessions:
            del self._curves[session]


def points(session: ClassNow, now: datetime, step: int) -> int:
    """How many points the curve of the class has by now."""
    if session.started_at is None:
        return 0
    return int((now - session.started_at).total_seconds() // step) + 1
