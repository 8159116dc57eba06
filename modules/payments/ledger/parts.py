"""An amount in its parts: what is taxed, and the taxes in it. Minor units of one currency."""

from __future__ import annotations

import msgspec


class Parts(msgspec.Struct, frozen=True):
    """The parts of an amount that includes its taxes. Of an order within one state CGST and SGST are equal."""

    taxable: int
    cgst: int = 0
    sgst: int = 0
    igst: int = 0

    @property
    def tax(self) -> int:
        return self.cgst + self.sgst + self.igst

    @property
    def total(self) -> int:
        return self.taxable + self.tax


def rounded(numerator: int, denominator: int) -> int:
    """A quotient of whole numbers that are not negative, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def refunded_parts(whole: Parts, before: int, amount: int) -> Parts:
    """The parts of a refund of `amount`, when `before` of the order had been refunded already.

    They are the difference of two splits of sums, not a split of the refund. So the parts of all refunds of an order
    add up to the parts of their sum, whatever their order is, and to the parts of the order when all is refunded.
    """
    if before < 0 or amount < 0 or before + amount > whole.total:
        raise ValueError(f"{amount} after {before} are no refund of {whole.total}")
    former, now = _share(whole, before), _share(whole, before + amount)
    return Parts(
        taxable=now.taxable - former.taxable,
        cgst=now.cgst - former.cgst,
        sgst=now.sgst - former.sgst,
        igst=now.igst - former.igst,
    )


def _share(whole: Parts, amount: int) -> Parts:
    if amount == 0:
        return Parts(0)
    cgst, sgst, igst = (rounded(amount * part, whole.total) for part in (whole.cgst, whole.sgst, whole.igst))
    return Parts(amount - cgst - sgst - igst, cgst, sgst, igst)
