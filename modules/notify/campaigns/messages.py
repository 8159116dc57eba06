"""What admins send and get of campaigns."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec

from gateway import clock
from gateway.contract import PushType
from modules.notify.campaigns.states import CampaignState
from modules.notify.facade import Message, NoticeReport

AudienceName = Annotated[
    str,
    msgspec.Meta(
        pattern="^[a-z_]{1,32}:[A-Za-z0-9_.:@-]{1,128}$",
        description="`user:<id>`, `role:<role>`, `program:<id>`, `session:<id>`",
    ),
]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

ID: Final = UUID("01a2130d-48bf-7174-b972-596a06fb2346")
AT: Final = clock.example_day()


class NewCampaign(Message, frozen=True, kw_only=True):
    """A message to an audience. Without `at`, or with one that has passed, it is told at once.

    An urgent one passes quiet hours and caps, and is told within 6 hours or not at all; others within 3 days.
    """

    audience: AudienceName
    urgent: bool = False
    at: Moment | None = None

    @classmethod
    def example(cls) -> NewCampaign:
        return cls(
            title="Maintenance tonight", body="Classes go on at 21:00.", link="/help", audience="role:student", at=AT
        )

    @property
    def message(self) -> Message:
        return Message(self.title, self.body, self.link)


class Campaign(msgspec.Struct, frozen=True):
    """A campaign. `ended_at` is when it was done or stopped; `notice_id` names the notice that it tells."""

    id: UUID
    title: str
    body: str
    link: str
    urgent: bool
    audience: str
    state: CampaignState
    at: datetime
    created_by: str
    created_at: datetime
    ended_at: datetime | None
    notice_id: UUID
    rev: int

    @classmethod
    def example(cls) -> Campaign:
        return cls(
            id=ID,
            title="Maintenance tonight",
            body="Classes go on at 21:00.",
            link="/help",
            urgent=False,
            audience="role:student",
            state=CampaignState.RUNNING,
            at=AT,
            created_by="c1f7…",
            created_at=AT,
            ended_at=None,
            notice_id=ID,
            rev=7,
        )


class CampaignReport(msgspec.Struct, frozen=True):
    """A campaign and what became of it so far. Its notice is deleted `KSMP_NOTIFY_KEPT_DAYS` after it expired."""

    campaign: Campaign
    notice: NoticeReport | None

    @classmethod
    def example(cls) -> CampaignReport:
        return cls(Campaign.example(), NoticeReport.example())


class CampaignProgress(msgspec.Struct, frozen=True):
    """How far a campaign is, for the admin who sends it. The highest `rev` is the newest.

    `users` have it, `sent` deliveries went to a channel, `skipped` were not to be sent, `failed` could not, and `left`
    may still be sent.
    """

    id: UUID
    state: CampaignState
    users: int
    sent: int
    skipped: int
    failed: int
    left: int
    rev: int

    @classmethod
    def example(cls) -> CampaignProgress:
        return cls(ID, CampaignState.RUNNING, 1200, 900, 100, 3, 197, 7)


CAMPAIGN: Final = PushType("notify.campaign", CampaignProgress)


class ChannelPreview(msgspec.Struct, frozen=True):
    """How a channel shows it. `page` is HTML, where the channel sends a page."""

    channel: str
    page: str


class Preview(msgspec.Struct, frozen=True):
    """The message as it is sent."""

    title: str
    body: str
    link: str
    channels: list[ChannelPreview]

    @classmethod
    def example(cls) -> Preview:
        return cls("Maintenance tonight", "Classes go on at 21:00.", "/help", [ChannelPreview("push", "")])


class ExpectedCount(msgspec.Struct, frozen=True):
    """How many deliveries of a channel would be sent, skipped or wait now, and why."""

    channel: str
    verdict: str
    reason: str
    count: int


class DryRun(msgspec.Struct, frozen=True):
    """What would happen if it were sent now; nothing is. With `more` the audience has more users than were looked at.

    `users` would be told, and `kept_out` of the audience would not: they are blocked or deleted.
    """

    users: int
    kept_out: int
    listed: int
    more: bool
    channels: list[ExpectedCount]

    @classmethod
    def example(cls) -> DryRun:
        return cls(1200, 2, 1200, False, [ExpectedCount("push", "skip", "no_address", 100)])
