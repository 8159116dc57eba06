"""Raised hands: a queue by the time of raising. A host invites a user whose hand is up to speak."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Context, Kernel, command, snapshot_part
from gateway.errors import BadInput, forbidden, not_found
from modules.live.messages import Done, Member, Nothing
from modules.live.room.errors import too_many_hands
from modules.live.room.hands.messages import (
    HAND,
    HANDS_LOWERED,
    Hand,
    HandQueue,
    HandsLowered,
    HandTurned,
    Invite,
    LowerHand,
)
from modules.live.room.hands.repository import HandRepository, HandRow
from modules.live.room.promotions.promotions import Promotions
from modules.live.room.repository import PartRepository
from modules.live.rooms import session_room
from modules.live.settings import RoomSettings

PART: Final = "hands"


class Hands:
    """The hands of each session. Whoever changes one locks the part first."""

    pushes = (HAND, HANDS_LOWERED)

    def __init__(self, kernel: Kernel, settings: RoomSettings, parts: PartRepository, promotions: Promotions) -> None:
        self._kernel = kernel
        self._settings = settings
        self._parts = parts
        self._promotions = promotions
        self._hands = HandRepository(kernel.database)

    @command("live.raise_hand", room="session", role="viewer", rate="hand_rate", row_first=True)
    async def raise_hand(self, context: Context, request: Nothing) -> Done:
        """A hand that is up keeps its place. Raises Conflict `live.too_many_hands`."""
        session, user = context.room_id, context.principal
        rev = await self._parts.lock(session, PART)
        hand = await self._hands.of(session, user.id)
        if hand is not None and hand.state != "lowered":
            return Done(rev)
        if await self._hands.count_up(session) >= self._settings.hands:
            raise too_many_hands(self._settings.hands)
        return await self._tell(session, await self._hands.raise_hand(session, user, clock.now()), context)

    @command("live.lower_hand", room="session", role="viewer", rate="hand_rate", row_first=True)
    async def lower_hand(self, context: Context, request: LowerHand) -> Done:
        """Raises Refused `forbidden` for another's hand, and BadInput `not_found` when another's is not up."""
        user = request.user or context.principal.id
        own = user == context.principal.id
        if not own and not context.at_least("cohost"):
            raise forbidden("only a host lowers the hands of others")
        rev = await self.lower(context.room_id, user, context)
        if rev is None:
            if not own:
                raise _not_up()
            rev = await self._parts.lock(context.room_id, PART)
        return Done(rev)

    @command("live.invite", room="session", role="cohost", row_first=True)
    async def invite(self, context: Context, request: Invite) -> Done:
        """Raises BadInput `not_found` when the hand is not up, and what `Promotions.make` raises."""
        session, user = context.room_id, request.user
        rev = await self._parts.lock(session, PART)
        hand = await self._hands.of(session, user)
        if hand is None or hand.state == "lowered":
            raise _not_up()
        if hand.state == "invited":
            return Done(rev)
        if await self._promotions.role(session, user) == "viewer":
            await self._promotions.make(session, user, "speaker")
        return await self._tell(session, await self._hands.turn(session, user, "invited"), context)

    @command("live.lower_hands", room="session", role="cohost", row_first=True)
    async def lower_all(self, context: Context, request: Nothing) -> Done:
        lowered = HandsLowered(await self._parts.bump(context.room_id, PART))
        await self._hands.lower_raised(context.room_id)
        await context.publish_row(HANDS_LOWERED, lowered)
        return Done(lowered.rev)

    @snapshot_part("live.hands", room="session", shared=True)
    async def queue(self, context: Context) -> HandQueue:
        rev, rows = await self._hands.queue(context.room_id)
        hands = [_hand(row) for row in rows]
        return HandQueue(rev, sorted(hands, key=lambda hand: (hand.raised_at, hand.user.id)))

    async def lower_deserted(self, missing: timedelta) -> None:
        """Lower the hands of users whom the attendance writer has not seen for so long, whatever gateway they were on.

        Their turns are over. Several gateways may do this at once. Raises Unavailable.
        """
        moment = clock.now() - missing
        for session in sorted({hand.session_id for hand in await self._hands.deserted(moment)}):
            # A gateway that cannot write what it sees still tells who is there.
            there = {person.id for person in await self._kernel.rooms.members(session_room(session))}
            async with self._kernel.database.transaction():
                await self.lock(session)
                for hand in await self._hands.deserted(moment, session):
                    if hand.user_id not in there:
                        await self.lower(session, hand.user_id)

    async def lock(self, session: str) -> None:
        """Nobody else changes the session's hands until the transaction ends."""
        await self._parts.lock(session, PART)

    async def lower(self, session: str, user: str, context: Context | None = None) -> int | None:
        """Lower a hand, in a transaction; the part's revision, or None when it was not up.

        An invited user is a viewer again. Without a context the push has no author.
        """
        await self.lock(session)
        hand = await self._hands.of(session, user)
        if hand is None or hand.state == "lowered":
            return None
        if hand.state == "invited" and await self._promotions.role(session, user) == "speaker":
            await self._promotions.make(session, user, "viewer")
        return (await self._tell(session, await self._hands.turn(session, user, "lowered"), context)).rev

    async def _tell(self, session: str, row: HandRow, context: Context | None) -> Done:
        turned = HandTurned(await self._parts.bump(session, PART), _hand(row))
        if context is None:
            await self._kernel.rooms.publish_row(session_room(session), HAND, turned)
        else:
            await context.publish_row(HAND, turned)
        return Done(turned.rev)


def _hand(row: HandRow) -> Hand:
    return Hand(Member(row.user_id, row.name), row.state, clock.to_ms(row.raised_at))


def _not_up() -> BadInput:
    return not_found("this hand is not up")
