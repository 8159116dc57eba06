"""Filters: what all modules ask before a text is shown in a room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.principal import Author

# The text as it may be shown, not longer; raises BadInput or Refused for a text that may not be shown.
Review = Callable[[str, Author], Awaitable[str]]


class Filters:
    """The filters of one gateway, in the order in which modules added them."""

    def __init__(self) -> None:
        self._reviews: list[Review] = []

    def add(self, review: Review) -> None:
        """Have every text pass this one too. Called while modules are built."""
        self._reviews.append(review)

    async def review(self, text: str, author: Author) -> str:
        """The text as all filters let it pass; raises BadInput or Refused for one that may not be shown."""
        for review in self._reviews:
            text = await review(text, author)
        return text
