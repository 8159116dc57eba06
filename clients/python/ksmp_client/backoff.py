"""How long to wait before the next try: exponential with full jitter, so that many clients spread out."""

from __future__ import annotations

import random
from typing import Final

LOWEST: Final = 0.5
HIGHEST: Final = 20.0


class Backoff:
    """Draws from 0 to a ceiling that doubles with each draw, from 0.5 to 20 s."""

    def __init__(self, lowest: float = LOWEST, highest: float = HIGHEST) -> None:
        self._lowest = lowest
        self._highest = highest
        self.ceiling = lowest

    def reset(self) -> None:
        self.ceiling = self._lowest

    def next(self) -> float:
        """Seconds to wait now."""
        # A draw that spreads clients over time needs no cryptographic quality.
        drawn = random.uniform(0.0, self.ceiling)  # noqa: S311
        self.ceiling = min(self._highest, self.ceiling * 2)
        return drawn
