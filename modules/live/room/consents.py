"""Whether those in a session's room agree to being recorded: what each has said is kept, and hosts see it.

Where a session is recorded nobody becomes a speaker or a co-host without having agreed (`room/promotions.py`), and who
declines is a viewer from then on: seen and heard by nobody. Hosts decide themselves whether to record.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Command, Context, Rate, SnapshotPart
from gateway.errors import Conflict
from gateway.principal import Role
from modules.live.facade import roles_in
from modules.live.messages import Done, Member
from modules.live.room.hands import PART as HANDS
from modules.live.room.hands import Hands
from modules.live.room.parts import RoomParts
from modules.live.room.promotions import Promotions
from modules.live.rooms import session_room, staff_room

PART: Final = "consents"
CHANGED: Final = "live.consent_changed"
MINE: Final = "live.my_consent"

RECORDED: Final = "SELECT recording FROM live_session WHERE id = $1"
SAY: Final = """
    INSERT INTO live_consent AS held (session_id, user_id, name, agreed, at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (session_id, user_id) DO UPDATE SET name = $3, agreed = $4, at = $5 WHERE held.agreed <> $4
    RETURNING true
"""
COUNT: Final = "SELECT count(*) AS count FROM live_consent WHERE session_id = $1 AND agreed"
OWN: Final = """
    SELECT recording, (SELECT agreed FROM live_consent WHERE session_id = id AND user_id = $2) AS agreed
    FROM live_session WHERE id = $1
"""
# One statement, so that the revision is that of the answers beside it.
READ: Final = """
    SELECT part.rev, (SELECT count(*) FROM live_consent WHERE session_id = part.session_id AND agreed) AS agreed,
        consent.user_id, consent.name
    FROM live_part AS part
    LEFT JOIN live_consent AS consent ON consent.session_id = part.session_id AND NOT consent.agreed
    WHERE part.session_id = $1 AND part.part = 'consents' ORDER BY consent.user_id
"""
ANSWERS: Final = "SELECT user_id, name, agreed, at FROM live_consent WHERE session_id = $1 ORDER BY user_id"


class Agree(msgspec.Struct, frozen=True):
    """`live.consent`."""

    agree: bool


class ConsentChanged(msgspec.Struct, frozen=True):
    """The push `live.consent_changed` to the staff room: what a user says now, and how many agree."""

    rev: int
    agreed: int
    user: Member
    agree: bool


class Consented(msgspec.Struct, frozen=True):
    """The part `live.consents` of the staff room: how many agree, and who does not, by id."""

    rev: int
    agreed: int
    declined: list[Member]


class MyConsent(msgspec.Struct, frozen=True):
    """The part `live.my_consent`: whether the class is or will be recorded; null is no answer yet."""

    recording: bool
    agreed: bool | None


class ConsentAnswer(msgspec.Struct, frozen=True):
    """What somebody has said last."""

    user: Member
    agreed: bool
    at: datetime


class ConsentList(msgspec.Struct, frozen=True):
    """Who has answered what, and who is in the room now without having agreed; hosts are not asked."""

    items: list[ConsentAnswer]
    missing: list[Member]

    @classmethod
    def example(cls) -> ConsentList:
        at = datetime.fromisoformat("2026-02-02T12:31:00+00:00")
        return cls([ConsentAnswer(Member("asha", "Asha"), True, at)], [Member("ravi", "Ravi")])


class Consents:
    """The command, which runs in a transaction of the kernel's, and what is read."""

    def __init__(self, parts: RoomParts, hands: Hands, promotions: Promotions) -> None:
        self._parts = parts
        self._hands = hands
        self._promotions = promotions
        self.commands = (
            Command(
                name="live.consent",
                rooms="session",
                role="viewer",
                request=Agree,
                handler=self._say,
                rate=self._rate,
                row_first=True,
            ),
        )
        self.snapshots = (
            SnapshotPart(name=MINE, rooms="session", read=self._read_own),
            SnapshotPart(name="live.consents", rooms="staff", read=self._read),
        )

    async def answers(self, session: str) -> ConsentList:
        """Raises Unavailable."""
        rows = await self._parts.fetch(ANSWERS, session)
        answers = [ConsentAnswer(Member(row["user_id"], row["name"]), row["agreed"], row["at"]) for row in rows]
        agreed = {one.user.id for one in answers if one.agreed}
        asked = [one for one in await self._parts.kernel.rooms.members(session_room(session)) if one.id not in agreed]
        with self._parts.kernel.database.guard():
            roles = await roles_in(self._parts.kernel.database, session, [one.id for one in asked])
        missing = [Member(one.id, one.name) for one in asked if roles.get(one.id) != "host" and one.role != Role.ADMIN]
        return ConsentList(answers, missing)

    async def _say(self, context: Context, request: Agree) -> Done:
        """Raises Conflict `live.not_recorded`; who declines is no more than a viewer."""
        session, user = context.room_id, context.principal
        # Before the answer: who invites holds the hands, and then asks for the answer.
        # In the order in which a deletion locks them.
        rev = await self._parts.lock(session, PART)
        await self._parts.lock(session, HANDS)
        if not (self._parts.records and (await self._parts.fetch(RECORDED, session))[0]["recording"]):
            raise Conflict("this session is not recorded", code="live.not_recorded")
        if not await self._parts.fetch(SAY, session, user.id, user.name, request.agree, clock.now()):
            return Done(rev)
        if not request.agree:
            await self._hands.lower(session, user.id, context)
            await self._promotions.make(session, user.id, "viewer")
        rev = await self._parts.bump(session, PART)
        count = (await self._parts.fetch(COUNT, session))[0]["count"]
        changed = ConsentChanged(rev, count, Member.of(user), request.agree)
        await self._parts.kernel.rooms.publish_row(staff_room(session), CHANGED, changed)
        return Done(rev)

    async def _read_own(self, context: Context) -> MyConsent:
        rows = await self._parts.fetch(OWN, context.room_id, context.principal.id)
        return MyConsent(self._parts.records and rows[0]["recording"], rows[0]["agreed"])

    async def _read(self, context: Context) -> Consented:
        rows = await self._parts.fetch(READ, context.room_id)
        declined = [Member(row["user_id"], row["name"]) for row in rows if row["user_id"] is not None]
        return Consented(rows[0]["rev"], rows[0]["agreed"], declined) if rows else Consented(0, 0, [])

    def _rate(self) -> Rate:
        return Rate(count=self._parts.settings.hand_rate_count, seconds=self._parts.settings.hand_rate_seconds)
