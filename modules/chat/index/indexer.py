"""Follows the archive of chat's rooms and keeps a row for each message that it holds.

**Exactly.** The position and the rows of a batch are written in one transaction, which holds the position's row. So no
batch is written twice, also while two nodes take themselves for the follower. Pushes of a kind come in the order of
their `seq`; a tombstone erases what came before it. So the rows are those of the archive up to the position.

**Made anew.** The archive is read again from its beginning, beside following it, when the form of the words has
changed, or somebody asks for it. Each part read replaces the rows of that part: what the archive has is written, what
it does not have is deleted. Counts and searches go on meanwhile.

A node that is killed leaves the place to another one within seconds.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import structlog
from cachetools import LRUCache

from gateway import clock
from gateway.contract import ArchiveFollower, Kernel, StoredPush
from gateway.errors import Unavailable
from gateway.principal import Principal
from modules.accounts.facade import record
from modules.chat.index import words
from modules.chat.index.entries import Entry, Gone, IndexObserver, RoomChange, entry_of
from modules.chat.index.repository import IndexRepository, Progress, Row
from modules.chat.index.scope import scope_of
from modules.chat.stored_message import VERSIONS
from modules.live.facade import session_facts

log = structlog.get_logger(__name__)

# The kinds of rooms that have chat.
KINDS: Final = ("session", "program", "direct")
# Pushes in one transaction.
BATCH: Final = 500
# Characters of messages whose words are made before others have their turn.
IN_A_TURN: Final = 1000
# Seconds after which a follower looks whether it missed a call.
LOOK: Final = 1.0
# Seconds between two attempts to become the follower, or after a failure.
PAUSE: Final = 1.0
PROGRAMS_KNOWN: Final = 10_000


class IndexState(msgspec.Struct, frozen=True):
    """How far the index of a kind of room has followed the archive: both are a seq.

    While the index is made anew, `rebuilt` is up to where; null otherwise.
    """

    kind: str
    indexed: int
    archived: int
    rebuilt: int | None

    @classmethod
    def example(cls) -> IndexState:
        return cls("session", 991, 994, None)


class Indexer:
    """The worker of every node. One of them is the follower, and writes the index."""

    def __init__(self, kernel: Kernel, observers: Sequence[IndexObserver] = ()) -> None:
        self._archive = kernel.archive
        self._database = kernel.database
        self._rows = IndexRepository(kernel.database)
        self._observers = observers
        # A session never changes its program.
        self._programs: LRUCache[str, str | None] = LRUCache(PROGRAMS_KNOWN)

    async def run(self) -> None:
        """Follow the archive until cancelled."""
        while True:
            try:
                async with self._archive.follow("chat_index") as follower:
                    log.info("index.following")
                    await self._follow(follower)
            except Unavailable as error:
                log.info("index.waiting", reason=error.message)
            except Exception:
                log.exception("index.failed")
            await asyncio.sleep(PAUSE)

    async def _follow(self, follower: ArchiveFollower) -> None:
        while True:
            # First: what comes after this is looked at in the next round.
            await follower.wait(LOOK)
            while await self.step():
                pass

    async def step(self) -> bool:
        """Write one batch of each kind that has something new; whether there may be more. Raises Unavailable."""
        archived, known = await self._archive.positions(), await self._rows.positions()
        more = False
        for kind in KINDS:
            progress = known.get(kind, Progress(0, words.FORM, None))
            if archived.get(kind, 0) > progress.seq or progress.again is not None or progress.form != words.FORM:
                more |= await self._step(kind)
        return more

    async def states(self) -> list[IndexState]:
        """How far the index is, by kind of room; raises Unavailable."""
        known, archived = await self._rows.positions(), await self._archive.positions()
        return [IndexState(kind, one.seq, archived.get(kind, 0), one.again) for kind, one in sorted(known.items())]

    async def rebuild(self, principal: Principal) -> list[IndexState]:
        """Have the index made anew from the archive, in the background; raises Unavailable."""
        async with self._database.transaction():
            await self._rows.begin_again()
            await record(self._database, principal, "chat.rebuild_index", "chat")
        return await self.states()

    async def _step(self, kind: str) -> bool:
        async with self._database.transaction():
            before = await self._rows.lock(kind, words.FORM)
            part = await self._archive.after(kind, before.seq, BATCH)
            changes = _Changes()
            await self._write(part.pushes, changes)
            erased = [one.seq for push in part.pushes for one in push.erases]
            changes.gone += await self._rows.delete(erased)
            for push in part.pushes:
                if push.sweeps is not None:
                    changes.gone += await self._rows.sweep(push, push.sweeps)
            again = before.again if before.form == words.FORM else 0
            if again is not None:
                again = await self._again(kind, again, part.until, changes)
            await self._rows.move(kind, Progress(part.until, words.FORM, again))
            if rooms := await self._count(changes):
                for observer in self._observers:
                    await observer.indexed(rooms)
        for observer in self._observers if rooms else ():
            observer.written(rooms)
        return len(part.pushes) == BATCH or again is not None

    async def _again(self, kind: str, after: int, until: int, changes: _Changes) -> int | None:
        """Read one more part of the archive again, as far as `until`; gives how far it came, None at the end."""
        part = await self._archive.after(kind, after, BATCH)
        end = min(part.until, until)
        here = [push for push in part.pushes if push.seq <= end]
        # What changes by this is a room's change only where a message comes or goes.
        kept = await self._write(here, changes, new_only=True)
        changes.gone += await self._rows.delete_stray(kind, after, end, kept)
        return end if end < until else None

    async def _write(self, pushes: Sequence[StoredPush], changes: _Changes, *, new_only: bool = False) -> list[int]:
        entries = {entry.seq: entry for push in pushes if (entry := _read(push)) is not None}
        written = await self._rows.write(await self._made(entries.values()))
        for seq, was in sorted(written.items()):
            if not was:
                changes.sent.append(entries[seq])
            elif not new_only:
                changes.edited.append(entries[seq])
        return [entry.version for entry in entries.values()]

    async def _made(self, entries: Iterable[Entry]) -> list[Row]:
        """The rows of messages. Others of this gateway have their turn while the words of many are made."""
        rows: list[Row] = []
        characters = 0
        for entry in entries:
            rows.append(await self._row(entry))
            characters += len(entry.content.text)
            if characters >= IN_A_TURN:
                characters = 0
                await asyncio.sleep(0)
        return rows

    async def _row(self, entry: Entry) -> Row:
        program, content = await self._program(entry.room), entry.content
        scope = scope_of(entry.room, program)
        return Row(
            seq=entry.seq,
            version=entry.version,
            room=entry.room,
            author_id=entry.author.id,
            at=clock.from_ms(entry.at),
            thread=content.thread,
            mentions=content.mentions,
            program_id=program,
            words=(scope, *words.words_of(content.text)),
        )

    async def _program(self, room: str) -> str | None:
        kind, _, id = room.partition(":")
        if kind == "program":
            return id
        if kind != "session":
            return None
        if id not in self._programs:
            facts = await session_facts(self._database, id)
            self._programs[id] = facts.program_id if facts is not None else None
        return self._programs[id]

    async def _count(self, changes: _Changes) -> tuple[RoomChange, ...]:
        numbers: defaultdict[str, int] = defaultdict(int)
        here = (one.room for one in (*changes.sent, *changes.edited))
        for room in (*here, *(one.room for one in changes.gone)):
            numbers[room] += 1
        return tuple(
            RoomChange(
                room,
                count,
                tuple(one for one in changes.sent if one.room == room),
                tuple(one for one in changes.edited if one.room == room),
                tuple(one for one in changes.gone if one.room == room),
            )
            for room, count in (await self._rows.count(numbers)).items()
        )


class _Changes:
    """What a batch has changed so far."""

    def __init__(self) -> None:
        self.sent: list[Entry] = []
        self.edited: list[Entry] = []
        self.gone: list[Gone] = []


def _read(push: StoredPush) -> Entry | None:
    if push.push not in VERSIONS:
        return None
    try:
        return entry_of(push)
    except msgspec.MsgspecError:
        # The index must not stop at it. No client could show it either.
        log.exception("index.unreadable", room=push.room, seq=push.seq)
        return None
