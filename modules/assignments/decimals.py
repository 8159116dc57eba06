"""Decimals of the API: points and percentages. Never a float, rounded once, half up, to two places.

An answer writes one as text with two places (`"7.50"`), since a JSON number is a float for most readers. A request may
send that text or a number. A number of at most 15 digits is the same text again, so nothing is lost on its way in.

    class NewLevel(Decimals, frozen=True):
        points: Points
        share: Percent | None = None
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_type_hints

import msgspec
from msgspec import Meta

from gateway.errors import invalid
from gateway.text import Texts

PLACES: Final = Decimal("0.01")
MOST_POINTS: Final = Decimal("9999999.99")
WHOLE: Final = Decimal(100)
# Wide enough for a product of a column's numbers, so that only the last step rounds.
EXACT: Final = Context(prec=50, rounding=ROUND_HALF_UP)

_POINTS_TEXT: Final = Meta(pattern=r"^[0-9]{1,7}(\.[0-9]{1,2})?$", description="At most two decimals")
_PERCENT_TEXT: Final = Meta(pattern=r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)$", description="At most two decimals")
_MOST: Final = {id(_POINTS_TEXT): MOST_POINTS, id(_PERCENT_TEXT): WHOLE}
_TWO_PLACES: Final = {"multipleOf": 0.01}

if TYPE_CHECKING:
    # Whoever holds a `Decimals` finds Decimals in its fields.
    Points = Decimal
    Percent = Decimal
else:
    Points = (
        Annotated[str, _POINTS_TEXT]
        | Annotated[int, Meta(ge=0, le=9999999)]
        | Annotated[float, Meta(ge=0, le=9999999.99, extra_json_schema=_TWO_PLACES)]
    )
    Percent = (
        Annotated[str, _PERCENT_TEXT]
        | Annotated[int, Meta(ge=0, le=100)]
        | Annotated[float, Meta(ge=0, le=100, extra_json_schema=_TWO_PLACES)]
    )


class Decimals(Texts, frozen=True):
    """A request with fields of `Points` or `Percent`: once it is read they are Decimals with two places.

    Reading one raises BadInput `invalid` for a third decimal, besides what `Texts` and msgspec raise.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, most in _decimals(type(self)):
            value = getattr(self, name)
            if value is not None and value is not msgspec.UNSET:
                msgspec.structs.force_setattr(self, name, _read(value, most, name))


def rounded(value: Decimal) -> Decimal:
    """With two places, half up; there is no negative zero."""
    return value.quantize(PLACES, context=EXACT) + 0


def _read(value: Any, most: Decimal, field: str) -> Decimal:
    # The text of a float is the shortest that stands for it: what the caller has written.
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    if not exact.is_finite() or not 0 <= exact <= most:
        raise invalid(f"{field} must be from 0 to {most}", field=field)
    found = rounded(exact)
    if found != exact:
        raise invalid(f"{field} has more than two decimals", field=field)
    return found


@cache
def _decimals(kind: type[Decimals]) -> tuple[tuple[str, Decimal], ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple((name, most) for name, hint in hints.items() for most in _limits(hint))


def _limits(hint: Any) -> Iterator[Decimal]:
    """The greatest value of a hint that is one of the types above, perhaps beside None or UNSET."""
    for part in (hint, *get_args(hint)):
        for note in getattr(part, "__metadata__", ()):
            if id(note) in _MOST:
                yield _MOST[id(note)]
