"""The error codes of analytics.

KsmpError
├── BadInput   what the caller sent
└── Refused    what the caller may not see

analytics.no_parquet   409: pyarrow is not installed, so no file is written as Parquet
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import Conflict

# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {
    "analytics.no_parquet": (409,),
}


def no_parquet() -> Conflict:
    return Conflict(
        "this gateway writes no Parquet: install pyarrow, as `ksmp[analytics]` does, or ask for csv or xlsx",
        code="analytics.no_parquet",
    )
