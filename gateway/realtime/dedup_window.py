"""The commands that a room stored in the last two minutes. A repeat of one of them is answered as the first was."""

from __future__ import annotations

import hashlib
from typing import Final

from gateway.protocol.stored_push import StoredPush

# Shared by the windows of rooms in which nothing is stored: most are users' own rooms.
NOTHING_STORED: Final[dict[str, tuple[int, int]]] = {}


def message_id(user: str, room: str, command: str, nonce: str) -> str:
    """The id of a command with a nonce; the log stores one message for it. It is safe as a NATS header."""
    return hashlib.blake2b("\0".join((user, room, command, nonce)).encode(), digest_size=16).hexdigest()


class DedupWindow:
    """Keeps message ids and their seqs for `window` milliseconds, by the log's clock."""

    __slots__ = ("_stored", "_window")

    def __init__(self, window: int) -> None:
        self._window = window
        # In the order in which they were stored.
        self._stored = NOTHING_STORED

    def __len__(self) -> int:
        return len(self._stored)

    def add(self, push: StoredPush) -> None:
        # The stream forgets the id of an erased message, and after a crash it cannot deduplicate by it.
        for erased in push.erases:
            self._keep(erased.message_id, erased.seq, push.at)
        if push.message_id:
            self._keep(push.message_id, push.seq, push.at)
        while self._stored:
            oldest = next(iter(self._stored))
            if self._stored[oldest][1] >= push.at - self._window:
                break
            del self._stored[oldest]

    def _keep(self, id: str, seq: int, at: int) -> None:
        if not self._stored:
            self._stored = {}
        known = self._stored.get(id)
        if known is None or known[1] < at - self._window:
            # After the window the same id belongs to a new message, and is as young as that.
            self._stored.pop(id, None)
            self._stored[id] = (seq, at)

    def seq(self, id: str, now: int) -> int | None:
        """The seq of the command with this id, when it was stored within the window before `now`."""
        found = self._stored.get(id)
        return found[0] if found is not None and found[1] >= now - self._window else None
