"""Bells: what wakes which workers of this gateway."""

from __future__ import annotations

from collections import defaultdict

from modules.notify.worker import Bell


class Bells:
    """One for those who write notices out, and one for the senders of each channel."""

    def __init__(self) -> None:
        self.notices = Bell()
        self.channels: dict[str, Bell] = defaultdict(Bell)
