"""The decision that looks at the row alone: taken back, expired, read, or not wanted any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.contract import Database
from modules.accounts.facade import kept_out_among
from modules.notify.decide.verdict import Decide, Send, Skip, Verdict
from modules.notify.due import Due
from modules.notify.states import SkipReason


class PlainDecide(Decide):
    """What no user has a say in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def decide(self, batch: Sequence[Due], now: datetime) -> Mapping[str, Verdict]:
        gone = await kept_out_among(self._database, {due.user_id for due in batch})
        unwanted = await _unwanted(batch)
        return {due.id: _verdict(due, now, gone, unwanted) for due in batch}


async def _unwanted(batch: Sequence[Due]) -> set[str]:
    """The deliveries whose module says that their user need not hear of it any more; it is asked once a notice."""
    notices = defaultdict[str, list[Due]](list)
    for due in batch:
        if due.kind.still_wanted is not None:
            notices[due.notice_id].append(due)
    found = set[str]()
    for dues in notices.values():
        first = dues[0]
        if first.kind.still_wanted is not None:
            wanted = await first.kind.still_wanted([due.user_id for due in dues], first.subject, first.data)
            found |= {due.id for due in dues if due.user_id not in wanted}
    return found


def _verdict(due: Due, now: datetime, gone: set[str], unwanted: set[str]) -> Verdict:
    if due.taken_back is not None:
        return Skip(due.taken_back)
    if due.expires_at <= now:
        return Skip(SkipReason.EXPIRED)
    if due.user_id in gone:
        return Skip(SkipReason.GONE)
    if due.read_at is not None:
        return Skip(SkipReason.READ)
    if due.id in unwanted:
        return Skip(SkipReason.NOT_WANTED)
    return Send()
