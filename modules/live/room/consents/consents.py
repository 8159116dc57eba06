"""Consent to being recorded: each user answers, and hosts see the answers.

In a recorded session nobody becomes a speaker or a co-host without having agreed (`promotions.py`). A user who declines
is a viewer from then on, whom nobody sees or hears. Hosts are not asked, because they decide to record.
"""

from __future__ import annotations

from typing import Final

from gateway import clock
from gateway.contract import Context, Kernel, command, snapshot_part
from gateway.errors import not_found
from gateway.principal import Role
from modules.live.facade import roles_in
from modules.live.messages import Done, Member
from modules.live.room.consents.messages import (
    CONSENT_CHANGED,
    Agree,
    ConsentAnswer,
    ConsentChanged,
    ConsentList,
    ConsentsSnapshot,
    MyConsent,
)
from modules.live.room.consents.repository import ConsentRepository
from modules.live.room.errors import not_recorded
from modules.live.room.hands.hands import Hands
from modules.live.room.promotions.promotions import Promotions
from modules.live.room.repository import PartRepository
from modules.live.rooms import session_room, staff_room

PART: Final = "consents"


class Consents:
    """The answers in each session."""

    pushes = (CONSENT_CHANGED,)

    def __init__(
        self, kernel: Kernel, parts: PartRepository, hands: Hands, promotions: Promotions, *, records: bool
    ) -> None:
        """`records`: sessions can be recorded on this platform."""
        self._kernel = kernel
        self._parts = parts
        self._hands = hands
        self._promotions = promotions
        self._records = records
        self._consents = ConsentRepository(kernel.database)

    @command("live.consent", room="session", role="viewer", rate="hand_rate", row_first=True)
    async def consent(self, context: Context, request: Agree) -> Done:
        """A user who declines is no more than a viewer. Raises Conflict `live.not_recorded`."""
        session, user = context.room_id, context.principal
        # An invitation holds the hands and then asks for the answer, so the hands are locked before the answer. The
        # deletion of a user locks the parts in this order.
        rev = await self._parts.lock(session, PART)
        await self._hands.lock(session)
        if not (self._records and await self._consents.is_recorded(session)):
            raise not_recorded()
        if not await self._consents.answer(session, user, request.agree, clock.now()):
            return Done(rev)
        if not request.agree:
            await self._hands.lower(session, user.id, context)
            await self._promotions.make(session, user.id, "viewer")
        rev = await self._parts.bump(session, PART)
        changed = ConsentChanged(rev, await self._consents.count_agreed(session), Member.of(user), request.agree)
        await self._kernel.rooms.publish_row(staff_room(session), CONSENT_CHANGED, changed)
        return Done(rev)

    @snapshot_part("live.my_consent", room="session")
    async def my_consent(self, context: Context) -> MyConsent:
        own = await self._consents.own(context.room_id, context.principal.id)
        if own is None:
            raise not_found("there is no such session")
        return MyConsent(self._records and own.recording, own.agreed)

    @snapshot_part("live.consents", room="staff")
    async def consents(self, context: Context) -> ConsentsSnapshot:
        rev, agreed, rows = await self._consents.declined(context.room_id)
        return ConsentsSnapshot(rev, agreed, [Member(row.user_id, row.name) for row in rows])

    async def answers(self, session: str) -> ConsentList:
        """Every answer, and who is in the room without having agreed; raises Unavailable."""
        rows = await self._consents.answers(session)
        answers = [ConsentAnswer(Member(row.user_id, row.name), row.agreed, row.at) for row in rows]
        agreed = {one.user.id for one in answers if one.agreed}
        asked = [one for one in await self._kernel.rooms.members(session_room(session)) if one.id not in agreed]
        roles = await roles_in(self._kernel.database, session, [one.id for one in asked])
        missing = [Member(one.id, one.name) for one in asked if roles.get(one.id) != "host" and one.role != Role.ADMIN]
        return ConsentList(answers, missing)
