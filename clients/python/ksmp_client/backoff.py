"""How long to wait before the next try: exponential backoff with full jitter, so that many clients spread out."""

from __future__ import annotations

import random
from typing import Final

LOWEST: Final = 0.5
HIGHEST: Final = 20.0


class Backoff:
    """Each wait is drawn from 0 to a ceiling. The ceiling doubles with each draw, by default from 0.5 to 20 s."""

    def __init__(self, lowest: float = LOWEST, highest: float = HIGHEST) -> None:
        self._lowest = lowest
        self._highest = highest
        self.ceiling = lowest

    def reset(self) -> None:
        """Begin again with the lowest ceiling."""
        self.ceiling = self._lowest

    def next(self) -> float:
        """The seconds to wait before the next try."""
        # A draw that spreads clients over time needs no cryptographic quality.
        drawn = random.uniform(0.0, self.ceiling)  # noqa: S311
        self.ceiling = min(self._highest, self.ceiling * 2)
        return drawn
