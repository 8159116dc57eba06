"""Expansion: reads the audience of a notice page by page, and writes a notification for each user.

A page and the notice's cursor commit together. A worker that dies leaves the cursor at its last page, and the next one
goes on from there when the lease has ended. So each user is written once, whoever comes and goes in the audience.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from gateway import clock, failpoint
from gateway.contract import Kernel
from gateway.errors import Unavailable
from gateway.identifier import new_id
from modules.accounts.facade import kept_out_among
from modules.notify.bells import Bells
from modules.notify.expansion import metrics
from modules.notify.expansion.repository import ExpansionRepository, Page
from modules.notify.facade import IN_APP, Kind
from modules.notify.inbox.arrival import Arrival, Arrivals
from modules.notify.kinds import CAMPAIGN, PRIORITIES, Kinds
from modules.notify.settings import SendingSettings
from modules.notify.states import NoticeState, SkipReason

log = structlog.get_logger(__name__)

# Notices that a worker has at once: it writes a page of each in turn, so that a large one holds up no other.
MOST: Final = 50
# A page takes far less than a batch of a vendor.
LEASE_SHARE: Final = 4


@dataclass
class Held:
    """A notice that this worker has."""

    row: Mapping[str, Any]
    kind: Kind
    data: msgspec.Struct
    cursor: str
    lease: datetime

    @property
    def id(self) -> str:
        return str(self.row["id"])


@dataclass
class Turn:
    """What a worker writes in one transaction: a page of each of these notices."""

    # When its rows are written.
    at: datetime
    helds: list[Held] = field(default_factory=list)
    page: Page = field(default_factory=Page)
    cursors: list[str] = field(default_factory=list)
    last: list[bool] = field(default_factory=list)
    arrivals: dict[str, Arrival] = field(default_factory=dict)


class Expansion:
    """One worker. `work` writes a page of each notice that it has."""

    def __init__(
        self,
        kernel: Kernel,
        kinds: Kinds,
        rows: ExpansionRepository,
        settings: SendingSettings,
        bells: Bells,
        arrivals: Arrivals | None = None,
    ) -> None:
        """Without `arrivals` every list shows every kind, and nothing is pushed."""
        self._database = kernel.database
        self._kinds = kinds
        self._rows = rows
        self._batch = settings.batch
        self._lease = timedelta(seconds=settings.lease / LEASE_SHARE)
        self._bells = bells
        self._arrivals = arrivals
        self._held: dict[str, Held] = {}

    async def work(self) -> bool:
        await self._claim()
        turn = Turn(clock.now())
        for held in list(self._held.values()):
            try:
                await self._add_page(turn, held)
            except Unavailable:
                raise
            except Exception:
                # What a module's audience raises is not the fault of other notices. It is tried when its lease ends.
                log.exception("notifications.expansion.refused", kind=held.kind.name, notice=held.id)
                del self._held[held.id]
            if len(turn.page.ids) >= self._batch:
                await self._write(turn)
                turn = Turn(clock.now())
        await self._write(turn)
        return bool(self._held)

    async def _claim(self) -> None:
        now = clock.now()
        until = now + self._lease
        for row in await self._rows.claim(now, until, MOST - len(self._held), self._kinds.kinds):
            id = str(row["id"])
            self._held.pop(id, None)
            if row["state"] == NoticeState.WITHDRAWING:
                await self._take_out(row)
                continue
            kind = self._kinds.find(row["kind"])
            try:
                data = msgspec.json.decode(row["data"], type=kind.data)
            except ValueError:
                # Another version of the platform has told it. It waits for a gateway that can read it.
                log.warning("notifications.data_unreadable", kind=kind.name, notice=id)
                continue
            held = Held(row, kind, data, row["cursor"], until)
            self._held[id] = held
            if row["page_at"] is not None:
                found = await self._rows.last_page(id, row["page_at"])
                await self._announce([self._arrival(held, each, row["page_at"]) for each in found])

    async def _add_page(self, turn: Turn, held: Held) -> None:
        users: Sequence[str] = ()
        if held.row["expires_at"] > turn.at:
            users = await self._users(held)
        last = len(users) < self._batch
        turn.helds.append(held)
        turn.cursors.append(users[-1] if users else held.cursor)
        turn.last.append(last)
        if not users:
            return
        out = {held.row["actor"], *await kept_out_among(self._database, users)}
        told = [user for user in users if user not in out]
        listed = frozenset[str]()
        if IN_APP in held.kind.channels:
            listed = frozenset(await self._arrivals.listed(held.kind, told) if self._arrivals else told)
        channels = self._kinds.sent_by(held.kind)
        priority = CAMPAIGN if held.row["campaign_id"] else PRIORITIES[held.kind.urgency]
        due_at = held.row["at"] + held.kind.delay
        page, notice_id = turn.page, held.id
        for user in told:
            id = new_id()
            page.ids.append(id)
            page.notice_ids.append(notice_id)
            page.user_ids.append(user)
            page.in_app.append(user in listed)
            due = due_at + held.kind.jitter * _share(notice_id, user) if held.kind.jitter else due_at
            for channel in channels:
                page.delivery_ids.append(new_id())
                page.delivered.append(id)
                page.channels.append(channel)
                page.priorities.append(priority)
                page.due_at.append(due)
            if user in listed:
                row = {"id": id, "user_id": user, "rev": 1}
                turn.arrivals[id] = self._arrival(held, row, turn.at)

    async def _users(self, held: Held) -> Sequence[str]:
        row = held.row
        if row["audience"]:
            audience, id = self._kinds.audience(row["audience"])
            return await audience.users(id, held.cursor, self._batch)
        return [user for user in row["users"] if user > held.cursor][: self._batch]

    async def _write(self, turn: Turn) -> None:
        if not turn.helds:
            return
        until = clock.now() + self._lease
        ids = [held.id for held in turn.helds]
        async with self._database.transaction():
            leases = [held.lease for held in turn.helds]
            ours = await self._rows.advance(turn.at, until, ids, turn.cursors, leases)
            page = turn.page if len(ours) == len(ids) else turn.page.of(ours)
            written = await self._rows.write(page, turn.at) if page.ids else frozenset()
            failpoint.crash("kill.expanded")
        metrics.notifications.inc(len(written))
        for held, cursor in zip(turn.helds, turn.cursors, strict=True):
            held.cursor, held.lease = cursor, until
            if held.id not in ours:
                # Somebody took it back, or another worker has it.
                self._held.pop(held.id, None)
        for channel in page.channels_due(turn.at):
            self._bells.channels[channel].ring()
        failpoint.crash("kill.unannounced")
        await self._announce([turn.arrivals[id] for id in page.ids if id in written and id in turn.arrivals])
        finished = [held.id for held, last in zip(turn.helds, turn.last, strict=True) if last and held.id in ours]
        if finished:
            await self._rows.finish(finished, until)
            for id in finished:
                self._held.pop(id, None)

    async def _take_out(self, row: Mapping[str, Any]) -> None:
        """Take a notice that was withdrawn out of all lists."""
        id = str(row["id"])
        reason = SkipReason.STOPPED if row["campaign_id"] else SkipReason.WITHDRAWN
        kind = self._kinds.find(row["kind"])
        while True:
            now = clock.now()
            async with self._database.transaction():
                found = await self._rows.take_out(id, now, self._batch)
                await self._rows.skip([str(each["id"]) for each in found], reason)
                if not found:
                    await self._rows.taken_out(id)
            if not found:
                return
            if self._arrivals is not None:
                data = msgspec.json.decode(row["data"], type=kind.data)
                held = Held(row, kind, data, "", now)
                gone = [self._arrival(held, each, now) for each in found if each["in_app"]]
                await self._arrivals.withdrawn(gone)

    async def _announce(self, arrivals: Sequence[Arrival]) -> None:
        if self._arrivals is None or not arrivals:
            return
        try:
            await self._arrivals.arrived(arrivals)
        except Exception:
            # The rows are there: an app that missed the push finds them when it looks.
            log.exception("notifications.announce.failed")

    def _arrival(self, held: Held, row: Mapping[str, Any], at: datetime) -> Arrival:
        return Arrival(
            id=str(row["id"]),
            notice_id=held.id,
            kind=held.kind,
            subject=held.row["subject"],
            user_id=row["user_id"],
            data=held.data,
            created_at=at,
            expires_at=held.row["expires_at"],
            rev=row["rev"],
        )


def _share(notice_id: str, user: str) -> float:
    """A part of the jitter, from 0 to 1, that is the same whenever it is asked for."""
    return zlib.crc32(f"{notice_id}{user}".encode()) / 2**32
