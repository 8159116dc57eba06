"""FactReader: the facts of a batch, in a handful of queries, whatever its size."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.contract import Kernel
from gateway.errors import KsmpError
from modules.notify.decide.decision import is_digested, room_of
from modules.notify.decide.facts import Facts, Rules
from modules.notify.decide.repository import DecisionRepository
from modules.notify.due import Due
from modules.notify.preferences.choices import chosen_by_user
from modules.notify.preferences.readers import Readers
from modules.notify.preferences.repository import PreferenceRepository

log = structlog.get_logger(__name__)

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
# Modules that are asked at once, and how long one may think.
AT_ONCE: Final = 8
PATIENCE: Final = 10.0
# A room that nobody of this node is in takes a moment until it says who is there: many are asked meanwhile.
ROOMS_AT_ONCE: Final = 64


class FactReader:
    """Raises Unavailable without PostgreSQL."""

    def __init__(self, kernel: Kernel, readers: Readers) -> None:
        self._kernel = kernel
        self._readers = readers
        self._preferences = PreferenceRepository(kernel.database)
        self._rows = DecisionRepository(kernel.database)

    async def read(self, batch: Sequence[Due], rules: Rules, now: datetime) -> Facts:
        """What the rows say. All of the batch are of one channel."""
        users = {due.user_id for due in batch}
        channel = batch[0].channel
        names = {name for due in batch for name in (due.kind.name, due.kind.preference)}
        rooms = {room for due in batch if (room := room_of(due))}
        digested = [due.id for due in batch if is_digested(due)] if rules.held else []
        choices = await self._preferences.choices(users, channel=channel, names=names)
        mutes = await self._preferences.mutes(users, now, rooms=rooms) if rooms else []
        return Facts(
            readers=await self._readers.load(users),
            chosen=chosen_by_user(choices),
            muted={(mute.user_id, mute.room) for mute in mutes},
            told=await self._rows.told(users, channel, now - HOUR, now - DAY) if rules.held else {},
            collected=await self._rows.collected(digested) if digested else {},
        )

    async def ask(self, facts: Facts, batch: Sequence[Due], rules: Rules) -> Facts:
        """The same, and what modules and rooms say of these, which would be sent now."""
        (not_wanted, unanswered), present = await asyncio.gather(
            self._ask_modules(batch), self._present(batch) if rules.held else _nobody()
        )
        return dataclasses.replace(facts, not_wanted=not_wanted, unanswered=unanswered, present=present)

    async def _ask_modules(self, batch: Sequence[Due]) -> tuple[set[str], set[str]]:
        """Ask each notice's module once for all users of the batch: who need not hear of it, and who is not known."""
        notices: dict[str, list[Due]] = defaultdict(list)
        for due in batch:
            if due.kind.still_wanted is not None:
                notices[due.notice_id].append(due)
        not_wanted: set[str] = set()
        unanswered: set[str] = set()
        gate = asyncio.Semaphore(AT_ONCE)

        async def ask(dues: list[Due]) -> None:
            first = dues[0]
            assert first.kind.still_wanted is not None
            try:
                async with gate, asyncio.timeout(PATIENCE):
                    users = {due.user_id for due in dues}
                    wanted = await first.kind.still_wanted(users, first.subject, first.data)
            except Exception as error:
                # The fault of one module keeps no other waiting.
                log.warning("notifications.still_wanted_failed", kind=first.kind.name, error=repr(error))
                unanswered.update(due.id for due in dues)
            else:
                not_wanted.update(due.id for due in dues if due.user_id not in wanted)

        await asyncio.gather(*(ask(dues) for dues in notices.values()))
        return not_wanted, unanswered

    async def _present(self, batch: Iterable[Due]) -> Collection[tuple[str, str]]:
        """Who of the batch is in the room that they would be told of."""
        users: dict[str, set[str]] = defaultdict(set)
        for due in batch:
            if room := room_of(due):
                users[room].add(due.user_id)
        present: set[tuple[str, str]] = set()
        gate = asyncio.Semaphore(ROOMS_AT_ONCE)

        async def look(room: str, asked: set[str]) -> None:
            try:
                async with gate, asyncio.timeout(PATIENCE):
                    people = await self._kernel.rooms.members(room)
            except (KsmpError, ValueError, TimeoutError):
                # Rooms that do not say who is in them, or a bus that is away: they are told.
                return
            present.update((person.id, room) for person in people if person.id in asked)

        await asyncio.gather(*(look(room, asked) for room, asked in users.items()))
        return present


async def _nobody() -> Collection[tuple[str, str]]:
    return ()
