"""Raised hands: a queue by the time of raising, and who was invited to speak."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec

from gateway import clock
from gateway.contract import Command, Context, Rate, SnapshotPart
from gateway.errors import BadInput, Conflict, forbidden, not_found
from modules.live.messages import Done, Member, Name, Nothing
from modules.live.room.parts import RoomParts
from modules.live.room.promotions import Promotions
from modules.live.rooms import session_room

PART: Final = "hands"
HAND: Final = "live.hand"
LOWERED: Final = "live.hands_lowered"

OF: Final = "SELECT user_id, name, state, raised_at FROM live_hand WHERE session_id = $1 AND user_id = $2"
COUNT: Final = "SELECT count(*) AS count FROM live_hand WHERE session_id = $1 AND state <> 'lowered'"
RAISE: Final = """
    INSERT INTO live_hand (session_id, user_id, name, state, raised_at) VALUES ($1, $2, $3, 'raised', $4)
    ON CONFLICT (session_id, user_id) DO UPDATE SET name = $3, state = 'raised', raised_at = $4
    RETURNING user_id, name, state, raised_at
"""
TURN: Final = """
    UPDATE live_hand SET state = $3 WHERE session_id = $1 AND user_id = $2
    RETURNING user_id, name, state, raised_at
"""
LOWER_ALL: Final = "UPDATE live_hand SET state = 'lowered' WHERE session_id = $1 AND state = 'raised'"
# Up for longer than it takes the attendance writer to see somebody, who was not seen since.
DESERTED: Final = """
    SELECT session_id, user_id FROM live_hand AS hand
    WHERE ($1::text IS NULL OR session_id = $1) AND state <> 'lowered' AND raised_at < $2 AND NOT EXISTS (
        SELECT FROM live_stay LEFT JOIN live_node USING (node)
        WHERE session_id = hand.session_id AND user_id = hand.user_id
        AND coalesce(ended_at, seen_at, started_at) >= $2
    ) ORDER BY session_id, user_id
"""
# One statement, so that the revision is that of the hands beside it.
READ: Final = """
    SELECT part.rev, hand.user_id, hand.name, hand.state, hand.raised_at
    FROM live_part AS part LEFT JOIN live_hand AS hand ON hand.session_id = part.session_id AND hand.state <> 'lowered'
    WHERE part.session_id = $1 AND part.part = 'hands'
"""


class Whose(msgspec.Struct, frozen=True):
    """`live.lower_hand`: by default one's own."""

    user: Name | None = None


class Invite(msgspec.Struct, frozen=True):
    """`live.invite`: whose hand is up."""

    user: Name


class Hand(msgspec.Struct, frozen=True):
    """Hands are in the order of `raised_at`, and those of one moment in that of the users' ids."""

    user: Member
    state: Literal["raised", "invited", "lowered"]
    raised_at: int


class HandTurned(msgspec.Struct, frozen=True):
    """The push `live.hand`: one that is `lowered` is in the queue no more."""

    rev: int
    hand: Hand


class HandsLowered(msgspec.Struct, frozen=True):
    """The push `live.hands_lowered`: of those that were `raised` none is up; who was invited speaks on."""

    rev: int


class Queue(msgspec.Struct, frozen=True):
    """The snapshot part `live.hands`."""

    rev: int
    hands: list[Hand]


class Hands:
    """The commands of hands; all but the snapshot run in a transaction of the kernel's."""

    def __init__(self, parts: RoomParts, promotions: Promotions) -> None:
        self._parts = parts
        self._promotions = promotions
        self.commands = (
            Command(
                name="live.raise_hand",
                rooms="session",
                role="viewer",
                request=Nothing,
                handler=self._raise,
                rate=self._rate,
                row_first=True,
            ),
            Command(
                name="live.lower_hand",
                rooms="session",
                role="viewer",
                request=Whose,
                handler=self._lower,
                rate=self._rate,
                row_first=True,
            ),
            Command(
                name="live.invite",
                rooms="session",
                role="cohost",
                request=Invite,
                handler=self._invite,
                row_first=True,
            ),
            Command(
                name="live.lower_hands",
                rooms="session",
                role="cohost",
                request=Nothing,
                handler=self._lower_all,
                row_first=True,
            ),
        )
        self.snapshots = (SnapshotPart(name="live.hands", rooms="session", read=self._read, shared=True),)

    async def _raise(self, context: Context, request: Nothing) -> Done:
        """Raises Conflict `live.too_many_hands`; a hand that is up keeps its place."""
        session, user = context.room_id, context.principal
        rev = await self._parts.lock(session, PART)
        for row in await self._parts.fetch(OF, session, user.id):
            if row["state"] != "lowered":
                return Done(rev)
        if (await self._parts.fetch(COUNT, session))[0]["count"] >= self._parts.settings.hands:
            raise Conflict(f"{self._parts.settings.hands} hands are up already", code="live.too_many_hands")
        rows = await self._parts.fetch(RAISE, session, user.id, user.name, clock.now())
        return await self._tell(session, rows[0], context)

    async def _lower(self, context: Context, request: Whose) -> Done:
        """Raises Refused `forbidden` for another's hand, and BadInput `not_found` when another's is not up."""
        user = request.user or context.principal.id
        if user != context.principal.id and not context.at_least("cohost"):
            raise forbidden("only a host lowers the hands of others")
        rev = await self.lower(context.room_id, user, context)
        if rev is None:
            if user != context.principal.id:
                raise _not_up()
            rev = await self._parts.lock(context.room_id, PART)
        return Done(rev)

    async def lower_deserted(self, missing: timedelta) -> None:
        """Lower the hands of those whom the attendance writer has not seen for so long, wherever they were.

        Their turns are over. Several gateways may do it at once. Raises Unavailable.
        """
        moment = clock.now() - missing
        for session in sorted({row["session_id"] for row in await self._parts.fetch(DESERTED, None, moment)}):
            # A gateway that cannot write what it sees still tells who is there.
            there = {person.id for person in await self._parts.kernel.rooms.members(session_room(session))}
            async with self._parts.kernel.database.transaction():
                await self._parts.lock(session, PART)
                for row in await self._parts.fetch(DESERTED, session, moment):
                    if row["user_id"] not in there:
                        await self.lower(session, row["user_id"])

    async def lower(self, session: str, user: str, context: Context | None = None) -> int | None:
        """Lower a hand if it is up, in a transaction; who was invited is a viewer again. Without a context nobody did
        it."""
        await self._parts.lock(session, PART)
        for row in await self._parts.fetch(OF, session, user):
            if row["state"] == "lowered":
                return None
            if row["state"] == "invited":
                await self._end_turn(session, user)
            return (
                await self._tell(session, (await self._parts.fetch(TURN, session, user, "lowered"))[0], context)
            ).rev
        return None

    async def _end_turn(self, session: str, user: str) -> None:
        if await self._promotions.role(session, user) == "speaker":
            await self._promotions.make(session, user, "viewer")

    async def _invite(self, context: Context, request: Invite) -> Done:
        """Raises BadInput `not_found` when the hand is not up."""
        session = context.room_id
        rev = await self._parts.lock(session, PART)
        for row in await self._parts.fetch(OF, session, request.user):
            if row["state"] == "invited":
                return Done(rev)
            if row["state"] == "raised":
                if await self._promotions.role(session, request.user) == "viewer":
                    await self._promotions.make(session, request.user, "speaker")
                turned = await self._parts.fetch(TURN, session, request.user, "invited")
                return await self._tell(session, turned[0], context)
        raise _not_up()

    async def _lower_all(self, context: Context, request: Nothing) -> Done:
        lowered = HandsLowered(await self._parts.bump(context.room_id, PART))
        await self._parts.fetch(LOWER_ALL, context.room_id)
        await context.publish_row(LOWERED, lowered)
        return Done(lowered.rev)

    async def _read(self, context: Context) -> Queue:
        rows = await self._parts.fetch(READ, context.room_id)
        hands = [_hand(row) for row in rows if row["user_id"] is not None]
        return Queue(rows[0]["rev"] if rows else 0, sorted(hands, key=lambda hand: (hand.raised_at, hand.user.id)))

    async def _tell(self, session: str, row: Mapping[str, Any], context: Context | None) -> Done:
        turned = HandTurned(await self._parts.bump(session, PART), _hand(row))
        if context is None:
            await self._parts.kernel.rooms.publish_row(session_room(session), HAND, turned)
        else:
            await context.publish_row(HAND, turned)
        return Done(turned.rev)

    def _rate(self) -> Rate:
        return Rate(count=self._parts.settings.hand_rate_count, seconds=self._parts.settings.hand_rate_seconds)


def _hand(row: Mapping[str, Any]) -> Hand:
    return Hand(Member(row["user_id"], row["name"]), row["state"], clock.to_ms(row["raised_at"]))


def _not_up() -> BadInput:
    return not_found("this hand is not up")
