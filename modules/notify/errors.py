"""What notify refuses, besides the codes of the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {}
