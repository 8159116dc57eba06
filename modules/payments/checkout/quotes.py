"""What a place costs a user: the program's price, less a coupon, with the GST in it. The client says none of it."""

from __future__ import annotations

import msgspec

from gateway.contract import Database
from gateway.errors import not_found
from gateway.principal import Principal
from modules.payments.checkout.messages import NewQuote, Quote
from modules.payments.coupons.coupons import Coupons, Discount
from modules.payments.currencies import payable
from modules.payments.errors import amount_too_small, not_for_sale
from modules.payments.ledger.gst import Gst, Taxed
from modules.payments.settings import CheckoutSettings
from modules.programs.facade import Offer, banned, enrolled, offer


class Price(msgspec.Struct, frozen=True):
    """What a place costs one user: `price` - `discount` = `amount`, in minor units of `currency`."""

    program_id: str
    title: str
    currency: str
    price: int
    discount: int
    amount: int
    taxed: Taxed
    coupon: Discount | None
    free_places: int | None


class Quotes:
    def __init__(self, database: Database, settings: CheckoutSettings, gst: Gst, coupons: Coupons) -> None:
        self._database = database
        self._settings = settings
        self._gst = gst
        self._coupons = coupons

    async def quote(self, principal: Principal, wanted: NewQuote) -> Quote:
        """Raises what `price` raises."""
        price = await self.price(principal.id, wanted.program_id, wanted.coupon, wanted.place_of_supply, "")
        parts = price.taxed.parts
        return Quote(
            price.program_id,
            price.title,
            price.currency,
            price.price,
            price.discount,
            price.amount,
            parts.taxable,
            parts.cgst,
            parts.sgst,
            parts.igst,
            price.taxed.place_of_supply,
            price.coupon.code if price.coupon is not None else "",
        )

    async def price(self, user_id: str, program_id: str, code: str, place_of_supply: str, gstin: str) -> Price:
        """What the place would cost now.

        Raises BadInput `not_found`, `invalid`, `payments.coupon_invalid` and `payments.amount_too_small`, Conflict
        `payments.not_for_sale` and `payments.coupon_used_up`, and Unavailable.
        """
        found = await offer(self._database, program_id)
        if found is None:
            raise not_found("there is no such program")
        await self._check_for_sale(found, user_id)
        coupon = None
        if code.strip():
            coupon = await self._coupons.discount(code, user_id, program_id, found.price, found.currency)
        amount = found.price - (coupon.amount if coupon is not None else 0)
        amount = payable(amount, found.currency)
        least = self._settings.least_amount(found.currency)
        if 0 < amount < least:
            raise amount_too_small(least, found.currency)
        return Price(
            found.program_id,
            found.title,
            found.currency,
            found.price,
            found.price - amount,
            amount,
            self._gst.taxed(amount, found.currency, place_of_supply=place_of_supply, gstin=gstin),
            coupon,
            found.free_places,
        )

    async def _check_for_sale(self, found: Offer, user_id: str) -> None:
        if not found.open:
            raise not_for_sale("this program takes nobody now")
        if found.price == 0:
            raise not_for_sale("this program is free: enrol in it")
        if await enrolled(self._database, user_id, found.program_id):
            raise not_for_sale("this user has a place in the program already")
        if await banned(self._database, user_id, found.program_id):
            raise not_for_sale("this user may not take part in the program")
        if found.full:
            raise not_for_sale("all places of this program are taken")
