"""The rules of campaigns: who sends what to whom, how far it is, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from modules.accounts.facade import record, user_room
from modules.notify.campaigns.dry_run import DryRuns
from modules.notify.campaigns.messages import (
    CAMPAIGN,
    Campaign,
    CampaignProgress,
    CampaignReport,
    ChannelPreview,
    DryRun,
    NewCampaign,
    Preview,
)
from modules.notify.campaigns.repository import CampaignRepository
from modules.notify.campaigns.states import OPEN, CampaignState
from modules.notify.errors import campaign_over, too_many_campaigns
from modules.notify.facade import SYSTEM, URGENT, Notice, Outgoing
from modules.notify.kinds import Kinds
from modules.notify.notices.notices import Notices
from modules.notify.notices.reports import Reports
from modules.notify.sending.retries import NEVER
from modules.notify.states import NoticeState

LANGUAGE: Final = "en"
# Of a notice; None is one that was deleted.
ENDED: Final = frozenset({NoticeState.EXPANDED, NoticeState.WITHDRAWN, None})


class Campaigns:
    """What an admin does is in the audit. A campaign's notice has the campaign's id as its subject."""

    pushes = (CAMPAIGN,)

    def __init__(
        self,
        kernel: Kernel,
        kinds: Kinds,
        notices: Notices,
        reports: Reports,
        rows: CampaignRepository,
        dry_runs: DryRuns,
        most_open: int,
    ) -> None:
        self._kernel = kernel
        self._kinds = kinds
        self._notices = notices
        self._reports = reports
        self._rows = rows
        self._dry_runs = dry_runs
        self._most_open = most_open

    async def preview(self, principal: Principal, new: NewCampaign) -> Preview:
        """How each channel shows it. Raises what `start` raises for the same campaign."""
        await self._check(principal, new)
        kind = self._kinds.find(_kind(new))
        outgoing = Outgoing(
            id=new_id(),
            notification_id=new_id(),
            kind=kind,
            subject="",
            user_id=principal.id,
            title=new.title,
            body=new.body,
            link=new.link,
            data={"title": new.title, "body": new.body, "link": new.link},
            language=LANGUAGE,
            time_zone="UTC",
            expires_at=clock.now() + kind.ttl,
        )
        pages = [
            ChannelPreview(name, await self._kinds.channels[name].preview(outgoing))
            for name in self._kinds.sent_by(kind)
        ]
        return Preview(new.title, new.body, new.link, pages)

    async def dry_run(self, principal: Principal, new: NewCampaign) -> DryRun:
        """What would become of it. Raises what `start` raises for the same campaign."""
        await self._check(principal, new)
        return await self._dry_runs.run(new)

    async def start(self, principal: Principal, new: NewCampaign) -> Campaign:
        """Send it now, or when its moment comes.

        Raises BadInput `invalid` or `not_found` for its audience, what filters raise, Conflict
        `notify.too_many_campaigns`, and Unavailable.
        """
        await self._check(principal, new)
        now = clock.now()
        id, at = new_id(), max(new.at or now, now)
        async with self._kernel.database.transaction():
            if await self._rows.lock_all() >= self._most_open:
                raise too_many_campaigns(self._most_open)
            notice = Notice(_kind(new), id, new.message, audience=new.audience, at=at)
            notice_id = await self._notices.write(notice, campaign_id=id)
            campaign = Campaign(
                id=UUID(id),
                title=new.title,
                body=new.body,
                link=new.link,
                urgent=new.urgent,
                audience=new.audience,
                state=CampaignState.WAITING,
                at=at,
                created_by=principal.id,
                created_at=now,
                ended_at=None,
                notice_id=UUID(notice_id),
                rev=1,
            )
            await self._rows.insert(campaign)
            details = {"audience": new.audience, "urgent": new.urgent}
            await record(self._kernel.database, principal, "notify.campaign_start", id, details)
        return campaign

    async def stop(self, principal: Principal, id: UUID) -> Campaign:
        """Send it to nobody any more, and take it out of the lists. One that is stopped already stays as it is.

        Raises BadInput `not_found`, Conflict `notify.campaign_over`, and Unavailable.
        """
        async with self._kernel.database.transaction():
            found = _found(await self._rows.lock(id))
            if found.state is CampaignState.STOPPED:
                return found
            if found.state not in OPEN:
                raise campaign_over()
            stopped = _found(await self._rows.end(id, CampaignState.STOPPED, clock.now()))
            await self._notices.withdraw(_kind(found), str(id))
            await record(self._kernel.database, principal, "notify.campaign_stop", str(id))
            await self._push(stopped)
        return stopped

    async def read(self, id: UUID) -> CampaignReport:
        campaign = _found(await self._rows.find(id))
        return CampaignReport(campaign, await self._reports.find(str(campaign.notice_id)))

    async def page(self, span: Span, state: CampaignState | None) -> Page[Campaign]:
        return await self._rows.page(span, state)

    async def work(self) -> bool:
        """Count what became of one campaign, tell its author, and end it when nothing is left; for a worker."""
        async with self._kernel.database.transaction():
            now = clock.now()
            campaign = await self._rows.claim(now)
            if campaign is None:
                return False
            counts = await self._rows.count(campaign.notice_id, NEVER)
            if counts["notice"] in ENDED and not counts["left"]:
                campaign = _found(await self._rows.end(campaign.id, CampaignState.DONE, now))
                await self._push(campaign)
                return True
        # Progress alone may be lost: the next one says more.
        room = user_room(campaign.created_by)
        await self._kernel.rooms.emit(room, CAMPAIGN, _progress(campaign, counts))
        return True

    async def created_by(self, user: str) -> Mapping[str, Any]:
        rows = await self._rows.created_by(user)
        return {"campaigns": rows} if rows else {}

    async def _push(self, campaign: Campaign) -> None:
        counts = await self._rows.count(campaign.notice_id, NEVER)
        room = user_room(campaign.created_by)
        await self._kernel.rooms.publish_row(room, CAMPAIGN, _progress(campaign, counts))

    async def _check(self, principal: Principal, new: NewCampaign) -> None:
        await self._kernel.filters.check(new, Author.of(principal))
        await self._notices.check_audience(new.audience)


def _kind(campaign: NewCampaign | Campaign) -> str:
    return URGENT if campaign.urgent else SYSTEM


def _found(campaign: Campaign | None) -> Campaign:
    if campaign is None:
        raise not_found("there is no such campaign")
    return campaign


def _progress(campaign: Campaign, counts: Mapping[str, Any]) -> CampaignProgress:
    numbers = {name: counts[name] for name in ("users", "sent", "skipped", "failed", "left")}
    return CampaignProgress(id=campaign.id, state=campaign.state, rev=campaign.rev, **numbers)
