"""What peer reviews hold on a user, and what goes when they are deleted: what they wrote. Points stay, as given."""

from __future__ import annotations

from typing import Any

import msgspec

from modules.assignments.peer_review.repository import PeerReviewRepository


class PeerReviewPersonalData:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable."""

    def __init__(self, reviews: PeerReviewRepository) -> None:
        self._reviews = reviews

    async def export(self, user: str) -> dict[str, Any]:
        """The reviews that the user has written, without whose work they are about."""
        found = await self._reviews.written_by(user)
        written = [
            {
                "assignment_id": one.assignment_id,
                "points": one.points,
                "comment": one.comment,
                "criteria": one.criteria,
                "done_at": one.done_at,
            }
            for one in found
        ]
        return {"peer_reviews": msgspec.to_builtins(written)} if written else {}

    async def forget(self, user: str) -> None:
        await self._reviews.forget(user)
