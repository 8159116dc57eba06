"""Notices: what modules tell and take back; the contribution that `facade.tell` finds."""

from __future__ import annotations

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import invalid, not_found
from gateway.identifier import new_id
from modules.notify.bells import Bells
from modules.notify.facade import SYSTEM, URGENT, Message, Notice, NoticeReport, Notifier
from modules.notify.kinds import Kinds
from modules.notify.notices.reports import Reports
from modules.notify.notices.repository import NoticeRepository


class Notices(Notifier):
    """Writes a notice beside its fact. Workers find it when that has committed."""

    def __init__(self, kernel: Kernel, kinds: Kinds, rows: NoticeRepository, reports: Reports, bells: Bells) -> None:
        self._database = kernel.database
        self._kinds = kinds
        self._rows = rows
        self._reports = reports
        self._bells = bells

    async def tell(self, notice: Notice) -> None:
        await self.write(notice)

    async def write(self, notice: Notice, *, campaign_id: str | None = None) -> str | None:
        """`tell`, and the notice's id; None when it was told before, or has nobody to tell."""
        self._check_transaction(f"{notice.kind} is told")
        kind = self._kinds.find(notice.kind)
        if not isinstance(notice.data, kind.data):
            raise ValueError(f"{notice.kind} is told with {type(notice.data).__name__}, not {kind.data.__name__}")
        if notice.audience:
            self._kinds.audience(notice.audience)
        elif not notice.users:
            return None
        now = clock.now()
        at = notice.at or now
        id = await self._rows.tell(
            new_id(),
            notice.kind,
            notice.subject,
            notice.audience,
            sorted({*notice.users}),
            msgspec.json.encode(notice.data).decode(),
            notice.actor,
            at,
            notice.expires_at or at + kind.ttl,
            campaign_id,
            now,
        )
        if at <= now:
            self._bells.notices.ring_soon()
        return id

    async def send(self, audience: str, message: Message, key: str, actor: str, urgent: bool) -> str:
        await self.check_audience(audience)
        kind = URGENT if urgent else SYSTEM
        id = await self.write(Notice(kind, key, message, audience=audience, actor=actor))
        id = id or await self._rows.find(kind, key)
        if id is None:
            raise RuntimeError(f"the notice {key} is neither new nor there")
        return id

    async def check_audience(self, named: str) -> None:
        """Raises BadInput `invalid` or `not_found`, and Unavailable."""
        try:
            audience, id = self._kinds.audience(named)
        except ValueError as error:
            raise invalid(str(error), field="audience") from error
        if not await audience.exists(id):
            raise not_found(f"there is no {named}")

    async def report(self, id: str) -> NoticeReport | None:
        return await self._reports.find(id)

    async def withdraw(self, kind: str, subject: str) -> None:
        self._check_transaction(f"{kind} is withdrawn")
        self._kinds.find(kind)
        if await self._rows.withdraw(kind, subject):
            self._bells.notices.ring_soon()

    def _check_transaction(self, what: str) -> None:
        if not self._database.in_transaction:
            raise RuntimeError(f"{what} outside of a transaction; do it in the one that writes the fact")
