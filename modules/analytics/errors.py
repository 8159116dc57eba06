"""The error codes of analytics.

KsmpError
├── BadInput   what the caller sent
└── Refused    what the caller may not see
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

CODES: Final[Mapping[str, Sequence[int]]] = {}
