"""The routes of peer reviews."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.assignments.peer_review.allocations import PeerAllocations
from modules.assignments.peer_review.messages import (
    NewReview,
    PeerAllocation,
    PeerReviews,
    ReceivedReviews,
    StaffPeerReview,
    WholePeerReview,
)
from modules.assignments.peer_review.reviews import Reviews

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
TEACHERS = roles(Role.MENTOR, Role.ADMIN, owner="they teach the program")
PARTICIPANTS = signed_in(owner="they take part in the program")
REVIEWERS = signed_in(owner="the review is theirs to write")


@post("/{id:str}/peer-reviews/give-out", policy=TEACHERS, status_code=200)
async def give_out(
    id: Id, principal: NamedDependency[Principal], allocations: NamedDependency[PeerAllocations]
) -> PeerAllocation:
    """Give everybody who turned in the work of others to review; again, so that those who came later take part."""
    return await allocations.give_out(principal, id)


@get("/{id:str}/peer-reviews/summary", policy=TEACHERS)
async def summary(
    id: Id, principal: NamedDependency[Principal], allocations: NamedDependency[PeerAllocations]
) -> PeerAllocation:
    """How far the peer review of an assignment is."""
    return await allocations.summary(principal, id)


@get("/{id:str}/peer-reviews", policy=TEACHERS)
async def list_reviews(
    id: Id, span: NamedDependency[Span], principal: NamedDependency[Principal], reviews: NamedDependency[Reviews]
) -> Page[StaffPeerReview]:
    """Who reviews whom, and what was written; of an anonymous assignment without names."""
    return await reviews.listed(principal, id, span)


@get("/{id:str}/peer-reviews/mine", policy=PARTICIPANTS)
async def list_own_reviews(
    id: Id, principal: NamedDependency[Principal], reviews: NamedDependency[Reviews]
) -> PeerReviews:
    """The reviews that you have to write for an assignment."""
    return await reviews.mine(principal, id)


@get("/{id:str}/peer-reviews/received", policy=PARTICIPANTS)
async def list_received_reviews(
    id: Id, principal: NamedDependency[Principal], reviews: NamedDependency[Reviews]
) -> ReceivedReviews:
    """What others have written of your work, once its grade is released."""
    return await reviews.received(principal, id)


# Whether it is open, and the states of files, change without the revision.
@get("/peer-reviews/{id:str}", policy=REVIEWERS, conditional=False)
async def read_review(
    id: Id, principal: NamedDependency[Principal], reviews: NamedDependency[Reviews]
) -> Response[WholePeerReview]:
    """A review of yours, with the work that it is about."""
    return tagged(await reviews.read(principal, id))


@put("/peer-reviews/{id:str}", policy=REVIEWERS)
async def write_review(
    id: Id,
    data: JSONBody[NewReview],
    principal: NamedDependency[Principal],
    reviews: NamedDependency[Reviews],
    if_match: NamedDependency[IfMatch],
) -> Response[WholePeerReview]:
    """Write a review, or a part of it; others see it once it is done."""
    return tagged(await reviews.write(principal, id, data, if_match))


def router(allocations: PeerAllocations, reviews: Reviews) -> Router:
    return Router(
        "/assignments",
        route_handlers=[
            give_out,
            summary,
            list_reviews,
            list_own_reviews,
            list_received_reviews,
            read_review,
            write_review,
        ],
        dependencies=services(allocations=allocations, reviews=reviews),
    )
