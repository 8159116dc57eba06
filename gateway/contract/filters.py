"""Filters: what all modules ask before people see a text, and what a user's name passes as it comes in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from gateway.contract.context import Context
from gateway.errors import BadInput, KsmpError, invalid
from gateway.principal import Author
from gateway.text import Texts, display_name, texts_of

log = structlog.get_logger(__name__)

# The text as it may be shown, not longer; raises BadInput or Refused for a text that may not be shown.
Review = Callable[[str, Author], Awaitable[str]]
# Raises BadInput or Refused for a text that may not be shown in the room that it is written in.
RoomReview = Callable[[str, Context], Awaitable[None]]
# The error for the field whose text would have to be changed.
Refusal = Callable[[str], BadInput]


def _refusal(field: str) -> BadInput:
    return invalid("a filter does not let this text pass", field=field)


class Filters:
    """The filters of one gateway, in the order in which modules added them.

    What is written in a room passes `review_in_room`, which may mask words. What is written down for longer, such as a
    title or a lesson, passes `check`: it is refused and never changed, because its author can write it anew.
    """

    def __init__(self) -> None:
        self._reviews: list[tuple[Review, Refusal]] = []
        self._room_reviews: list[RoomReview] = []

    def add(self, review: Review, *, refusal: Refusal = _refusal) -> None:
        """Have every text pass this one too. Called while modules are built.

        `refusal` makes the error of `check`, for a field whose text `review` would change.
        """
        self._reviews.append((review, refusal))

    def add_in_rooms(self, review: RoomReview) -> None:
        """Have every text that is written in a room pass this one too, by the room's settings."""
        self._room_reviews.append(review)

    async def review(self, text: str, author: Author, *, field: str = "text") -> str:
        """The text as all filters let it pass; raises BadInput or Refused for one that may not be shown."""
        for review, _ in self._reviews:
            text = await _reviewed(review, text, author, field)
        return text

    async def review_in_room(self, text: str, context: Context, *, field: str = "text") -> str:
        """The same for a text that this member writes in this room, whose settings may refuse it too."""
        for review in self._room_reviews:
            await review(text, context)
        return await self.review(text, Author.of(context.principal), field=field)

    async def check(self, request: Texts, author: Author) -> None:
        """Raise BadInput or Refused when a text of the request may not be shown just as it is."""
        for field, text in texts_of(request):
            for review, refusal in self._reviews:
                if await _reviewed(review, text, author, field) != text:
                    raise refusal(field)

    async def name(self, author: Author) -> str:
        """The name under which a user is seen; their id in place of a name that no filter lets pass.

        A token brings the name, so a refusal would lock the user out. It raises nothing.
        """
        if author.name == author.id:
            return author.id
        try:
            return display_name(await self.review(author.name, author, field="name")) or author.id
        except KsmpError as error:
            log.info("name.refused", user=author.id, code=error.code)
        except Exception:
            log.exception("name.not_reviewed", user=author.id)
        return author.id


async def _reviewed(review: Review, text: str, author: Author, field: str) -> str:
    try:
        return await review(text, author)
    except BadInput as error:
        # A filter knows the text alone.
        error.field = field
        raise
