"""The error codes of analytics.

KsmpError
├── BadInput   what the caller sent
├── Conflict   what this gateway cannot do now
├── Limited    what the caller did too often
└── Refused    what the caller may not see

analytics.unknown_measure   400: there is no measure of this name
analytics.no_dimension      400: the measure is not divided by this
analytics.too_many_rows     400: the answer would have more rows than it may
analytics.too_slow          400: a statement took longer than it may
analytics.too_many_messages 429: the caller has written to as many students as they may in a day
analytics.no_parquet        409: pyarrow is not installed, so no file is written as Parquet
analytics.too_many_boards   409: the user has as many boards as they may
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import BadInput, Conflict, Limited

# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {
    "analytics.unknown_measure": (400,),
    "analytics.no_dimension": (400,),
    "analytics.too_many_rows": (400,),
    "analytics.too_slow": (400,),
    "analytics.no_parquet": (409,),
    "analytics.too_many_messages": (429,),
    "analytics.too_many_boards": (409,),
}


def unknown_measure(name: str) -> BadInput:
    return BadInput("analytics.unknown_measure", f"there is no measure {name[:64]!r}", field="name")


def no_dimension(name: str, dimension: str) -> BadInput:
    return BadInput("analytics.no_dimension", f"{name} is not divided by {dimension}", field="by")


def too_many_rows(most: int) -> BadInput:
    return BadInput("analytics.too_many_rows", f"there are more than {most} rows; ask for a shorter time, or for less")


def too_slow() -> BadInput:
    return BadInput("analytics.too_slow", "it takes too long to count; ask for a shorter time, or for less")


def no_parquet() -> Conflict:
    return Conflict(
        "this gateway writes no Parquet: install pyarrow, as `ksmp[analytics]` does, or ask for csv or xlsx",
        code="analytics.no_parquet",
    )


def too_many_messages(most: int, retry_after: float) -> Limited:
    message = f"you may write to {most} students at risk in a day"
    return Limited(message, retry_after=retry_after, code="analytics.too_many_messages")


def too_many_boards(most: int) -> Conflict:
    return Conflict(f"you have {most} boards, and may not have more", code="analytics.too_many_boards")
