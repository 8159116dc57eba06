"""DryRuns: what would become of a campaign if it were sent now, by the same decision that sending asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from gateway import clock
from gateway.contract import Database
from gateway.identifier import new_id
from modules.accounts.facade import kept_out_among
from modules.notify.campaigns.messages import DryRun, ExpectedCount, NewCampaign
from modules.notify.decide.verdict import Decide, Skip, Verdict, Wait
from modules.notify.due import Due
from modules.notify.facade import IN_APP, SYSTEM, URGENT, Kind, Message
from modules.notify.inbox.arrival import Arrivals
from modules.notify.kinds import Kinds
from modules.notify.states import SkipReason

# Users that are looked at in one request.
MOST: Final = 20_000
PAGE: Final = 1000


class DryRuns:
    """It reads alone. Each call raises Unavailable."""

    def __init__(
        self, database: Database, kinds: Kinds, decide: Decide, arrivals: Arrivals | None = None, most: int = MOST
    ) -> None:
        self._database = database
        self._kinds = kinds
        self._decide = decide
        self._arrivals = arrivals
        self._most = most

    async def run(self, campaign: NewCampaign) -> DryRun:
        kind = self._kinds.find(URGENT if campaign.urgent else SYSTEM)
        audience, id = self._kinds.audience(campaign.audience)
        # Counted as of its moment: quiet hours may be over then.
        at = max(campaign.at or clock.now(), clock.now())
        counts: Counter[tuple[str, str, str]] = Counter()
        told = listed = kept_out = looked_at = 0
        after, more = "", True
        while more and looked_at < self._most:
            users = await audience.users(id, after, PAGE)
            more = len(users) == PAGE
            if not users:
                break
            looked_at += len(users)
            after = users[-1]
            out = await kept_out_among(self._database, users)
            page = [user for user in users if user not in out]
            kept_out += len(users) - len(page)
            told += len(page)
            if IN_APP in kind.channels and page:
                listed += len(await self._arrivals.listed(kind, page) if self._arrivals else page)
            for channel in self._kinds.sent_by(kind):
                counts.update(await self._expected(kind, channel, campaign.message, page, at))
        rows = [ExpectedCount(*key, count) for key, count in sorted(counts.items())]
        return DryRun(told, kept_out, listed, more, rows)

    async def _expected(
        self, kind: Kind, channel: str, message: Message, users: Sequence[str], at: datetime
    ) -> Counter[tuple[str, str, str]]:
        notice = new_id()
        dues = [_due(kind, channel, message, user, notice, at) for user in users]
        if not dues:
            return Counter()
        verdicts = await self._decide.decide(dues, at)
        reached = frozenset(await self._kinds.channels[channel].reaches(users))
        return Counter((channel, *_words(verdicts.get(due.id), due.user_id, reached)) for due in dues)


def _due(kind: Kind, channel: str, message: Message, user: str, notice: str, at: datetime) -> Due:
    return Due(
        id=new_id(),
        notification_id=new_id(),
        notice_id=notice,
        kind=kind,
        subject="",
        user_id=user,
        channel=channel,
        data=message,
        at=at,
        created_at=at,
        expires_at=at + max(kind.ttl, timedelta(0)),
    )


def _words(verdict: Verdict | None, user: str, reached: Collection[str]) -> tuple[str, str]:
    match verdict:
        case Skip(reason):
            return "skip", reason.value
        case _ if user not in reached:
            return "skip", SkipReason.NO_ADDRESS.value
        case Wait(_, reason):
            return "wait", reason
        case None:
            return "wait", "undecided"
        case _:
            return "send", ""
