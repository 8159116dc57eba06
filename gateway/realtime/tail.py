"""The tail: the newest part of a room's log, cached in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from gateway.protocol.stored_push import StoredPush, Sweep

# About how many bytes the fields around the data of a push take on the wire. An estimate is enough.
OVERHEAD: Final = 220
ERASED_KEPT: Final = 4096
# Shared by all tails, because most rooms never see a sweep.
NOTHING_SWEPT: Final[Mapping[Sweep, int]] = {}
NOTHING_ERASED: Final[dict[int, None]] = {}


def size(push: StoredPush) -> int:
    """About how many bytes a push takes in a replay."""
    return len(push.data) + OVERHEAD


def seen(pushes: list[StoredPush], seen_from: int) -> list[StoredPush]:
    """Those that were stored since a moment, in milliseconds since the Unix epoch; with 0 all of them."""
    return [push for push in pushes if push.at >= seen_from] if seen_from else pushes


class Tail:
    """Holds every push of a room with seq > `start` that the log holds, ascending.

    It drops the targets of every tombstone that it has seen, from itself and from pushes that are added later.
    """

    # An empty list is small. Most rooms of a node are its users' own rooms, which are empty.
    __slots__ = ("_bytes", "_erased", "_max_bytes", "_max_count", "_pushes", "_swept", "start")

    def __init__(self, start: int, *, max_count: int, max_bytes: int) -> None:
        self.start = start
        self._pushes: list[StoredPush] = []
        self._bytes = 0
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._erased = NOTHING_ERASED
        # What was swept, and up to which seq.
        self._swept = NOTHING_SWEPT

    def __len__(self) -> int:
        return len(self._pushes)

    @property
    def oldest(self) -> int:
        """The oldest seq held, or `start` when there is none. An older page has to reach up to it."""
        return self._pushes[0].seq if self._pushes else self.start

    def append(self, push: StoredPush) -> None:
        """Add the next push of the room. The oldest are dropped when there are too many."""
        self._apply_tombstone(push)
        if push.push and push.seq not in self._erased:
            self._pushes.append(push)
            self._bytes += size(push)
        while len(self._pushes) > self._max_count or self._bytes > self._max_bytes:
            oldest = self._pushes.pop(0)
            self._bytes -= size(oldest)
            self.start = oldest.seq

    def prepend(self, pushes: Sequence[StoredPush], start: int) -> bool:
        """Extend the tail back to `start` with all pushes in between; False when only the newest of them fit."""
        for push in pushes:
            self._apply_tombstone(push)
        older = list(self.visible(push for push in pushes if push.seq <= self.start))
        room = self._max_count - len(self._pushes)
        fitting = 0
        for push in reversed(older):
            if fitting >= room or self._bytes + size(push) > self._max_bytes:
                break
            fitting += 1
            self._bytes += size(push)
        self._pushes[:0] = older[len(older) - fitting :]
        if fitting < len(older):
            self.start = older[-fitting - 1].seq
            return False
        self.start = min(self.start, start)
        return True

    def since(self, seq: int) -> list[StoredPush]:
        """Every push after `seq`. It must not be below `start`."""
        newest: list[StoredPush] = []
        for push in reversed(self._pushes):
            if push.seq <= seq:
                break
            newest.append(push)
        newest.reverse()
        return newest

    def newest(self, count: int) -> list[StoredPush]:
        """The last `count` pushes, ascending."""
        return self._pushes[max(0, len(self._pushes) - count) :]

    def get(self, seq: int) -> StoredPush | None:
        for push in reversed(self._pushes):
            if push.seq <= seq:
                return push if push.seq == seq else None
        return None

    def version(self, seq: int) -> StoredPush | None:
        """The push with this seq, or its latest version."""
        for push in reversed(self._pushes):
            if seq in (push.seq, push.replaces):
                return push
            if push.seq < seq:
                break
        return None

    def visible(self, pushes: Iterable[StoredPush]) -> Iterator[StoredPush]:
        """Those of `pushes` that may be shown: readable, and erased by no tombstone among them or held here."""
        held = list(pushes)
        dead = {erased.seq for push in held for erased in push.erases}
        swept = _merged(self._swept, (push for push in held if push.sweeps is not None))
        for push in held:
            if push.push and push.seq not in dead and push.seq not in self._erased and not _covered(swept, push):
                yield push

    def covers_range(self, pushes: Iterable[StoredPush], start: int, first: int) -> bool:
        """Whether tombstones name every seq from `start` up to the log's `first`, so that nothing has expired.

        Tombstones held here and among `pushes` count. A seq that none of them names may have been a message of any
        room, so the answer is no. Sweeps name no seqs.
        """
        erased = {target.seq for push in pushes for target in push.erases}
        return all(seq in erased or seq in self._erased for seq in range(start, first))

    def _apply_tombstone(self, tombstone: StoredPush) -> None:
        """Remove the targets of a tombstone, and keep them out from now on."""
        if tombstone.erases and not self._erased:
            self._erased = {}
        for erased in tombstone.erases:
            self._erased[erased.seq] = None
            if (target := self.get(erased.seq)) is not None:
                self._pushes.remove(target)
                self._bytes -= size(target)
        while len(self._erased) > ERASED_KEPT:
            del self._erased[next(iter(self._erased))]
        if tombstone.sweeps is not None:
            self._swept = _merged(self._swept, [tombstone])
            self._pushes = [push for push in self._pushes if not _covered(self._swept, push)]
            self._bytes = sum(size(push) for push in self._pushes)


def _merged(swept: Mapping[Sweep, int], tombstones: Iterable[StoredPush]) -> Mapping[Sweep, int]:
    """The sweeps and up to which seq each applies, with these tombstones added."""
    merged = dict(swept)
    for tombstone in tombstones:
        if tombstone.sweeps is not None:
            merged[tombstone.sweeps] = max(tombstone.seq, merged.get(tombstone.sweeps, 0))
    return merged


def _covered(swept: Mapping[Sweep, int], push: StoredPush) -> bool:
    return any(push.seq < until and sweep.covers(push) for sweep, until in swept.items())
