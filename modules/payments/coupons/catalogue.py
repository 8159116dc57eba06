"""Coupons as admins and mentors make them: who may, and what may change."""

from __future__ import annotations

import msgspec

from gateway import clock
from gateway.contract import Database
from gateway.errors import forbidden, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Principal, Role
from modules.payments.coupons.messages import CouponChange, CouponView, NewCoupon
from modules.payments.coupons.repository import CouponRepository
from modules.payments.errors import coupon_code_taken
from modules.programs.facade import Part, exists, part_of, programs_taught


class CouponCatalogue:
    """An admin works on all coupons, a mentor or co-mentor on those of their programs. Each call raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._coupons = CouponRepository(database)

    async def create(self, principal: Principal, new: NewCoupon) -> CouponView:
        """Raises Refused `forbidden`, BadInput `invalid`, and Conflict `payments.coupon_code_taken`."""
        if not await self._teaches(principal, new.program_id):
            raise forbidden("a mentor makes coupons for their own programs")
        if new.program_id is not None and not await exists(self._database, new.program_id):
            raise invalid("there is no such program", field="program_id")
        coupon = CouponView(
            id=new_id(),
            active=True,
            used=0,
            created_by=principal.id,
            created_at=clock.now(),
            rev=1,
            **msgspec.structs.asdict(new) | {"code": new.code.upper()},
        )
        coupon.check()
        if not await self._coupons.insert(coupon):
            raise coupon_code_taken()
        return coupon

    async def listed(self, principal: Principal, program_id: str | None, span: Span) -> Page[CouponView]:
        """Those of a program, or all that the user may see, newest first. Raises Refused `forbidden`."""
        if program_id is not None:
            if not await self._teaches(principal, program_id):
                raise forbidden("they are for those who teach the program")
            return await self._coupons.listed([program_id], span)
        if principal.role is Role.ADMIN:
            return await self._coupons.listed(None, span)
        return await self._coupons.listed(await programs_taught(self._database, principal), span)

    async def read(self, principal: Principal, id: str) -> CouponView:
        """Raises BadInput `not_found`, also for a coupon of somebody else's."""
        return await self._visible(principal, await self._coupons.find(id))

    async def change(self, principal: Principal, id: str, change: CouponChange, if_match: IfMatch) -> CouponView:
        """Raises BadInput `not_found`, `precondition_failed` or `invalid`."""
        values = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        async with self._database.transaction():
            before = await self._visible(principal, await self._coupons.lock(id))
            if_match.check(before.rev)
            coupon = msgspec.structs.replace(before, rev=before.rev + 1, **values)
            coupon.check()
            await self._coupons.update(coupon)
        return coupon

    async def deactivate(self, principal: Principal, id: str, if_match: IfMatch) -> CouponView:
        """Nobody uses it from now on; orders that hold it keep their discount. Raises as `change`."""
        return await self.change(principal, id, CouponChange(active=False), if_match)

    async def _visible(self, principal: Principal, coupon: CouponView | None) -> CouponView:
        if coupon is None or not await self._teaches(principal, coupon.program_id):
            raise not_found("there is no such coupon")
        return coupon

    async def _teaches(self, principal: Principal, program_id: str | None) -> bool:
        """Whether coupons of this program are the user's; those of every program are an admin's."""
        if principal.role is Role.ADMIN:
            return True
        return program_id is not None and await part_of(self._database, principal, program_id) is Part.MENTOR
