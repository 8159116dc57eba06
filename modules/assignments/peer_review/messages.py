"""What the routes and the push of peer reviews carry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.contract import PushType
from gateway.text import Texts
from modules.assignments.decimals import Decimals, Points
from modules.assignments.grading.messages import Comment, CriterionMark, NewCriterionMark
from modules.assignments.submissions.messages import NewAnswer
from modules.files.facade import Shown

ID: Final = "01a2130d-48bf-7174-b972-596a06fb2346"
OTHER: Final = "01a22ccd-7fe5-7513-9cb5-32d02cf1a10b"
AT: Final = datetime(2026, 3, 7, 18, 30, tzinfo=UTC)
MARK: Final = CriterionMark("proof", "best", Decimal("4.00"), "")


class ReviewState(StrEnum):
    TO_DO = "to_do"
    BEGUN = "begun"
    """Something is written, and only its reviewer sees it."""
    DONE = "done"


class NewReview(Decimals, frozen=True):
    """`PUT …/peer-reviews/{id}`: the whole review. Points are those of the criteria, unless `points` says others.

    Once it is `done` those who teach see it, and its author with the grade. It then needs a level or points for every
    criterion of the rubric; without a rubric it needs points or a comment.
    """

    criteria: Annotated[list[NewCriterionMark], Meta(max_length=1000)] = msgspec.field(default_factory=list)
    points: Points | None = None
    comment: Comment = ""
    done: bool = False

    @classmethod
    def example(cls) -> NewReview:
        return cls(points=Decimal("7.5"), comment="The second step needs a reason", done=True)

    def texts(self) -> Iterator[Texts]:
        yield self
        yield from self.criteria


class PeerReview(msgspec.Struct, frozen=True, kw_only=True):
    """A review, as its reviewer sees it. `open`: it can be written now. It does not say whose work it is about."""

    id: str
    assignment_id: str
    state: ReviewState
    open: bool
    points: Decimal | None
    comment: str
    criteria: tuple[CriterionMark, ...]
    rev: int

    @classmethod
    def example(cls) -> PeerReview:
        return cls(
            id=ID,
            assignment_id=OTHER,
            state=ReviewState.BEGUN,
            open=True,
            points=Decimal("4.00"),
            comment="The second step needs a reason",
            criteria=(MARK,),
            rev=2,
        )


class ReviewedWork(msgspec.Struct, frozen=True):
    """What is reviewed. Files have names of ours."""

    text: str
    link: str
    answers: list[NewAnswer]
    files: list[Shown]


class WholePeerReview(PeerReview, frozen=True, kw_only=True):
    """A review with what it is about; `work` is null once it is not open any more."""

    work: ReviewedWork | None

    @classmethod
    def example(cls) -> WholePeerReview:
        return cls(**msgspec.structs.asdict(PeerReview.example()), work=ReviewedWork("It follows that …", "", [], []))


class PeerReviews(msgspec.Struct, frozen=True):
    """The reviews that the caller has to write, in no order that says anything."""

    items: list[PeerReview]

    @classmethod
    def example(cls) -> PeerReviews:
        return cls([PeerReview.example()])


class ReceivedReview(msgspec.Struct, frozen=True):
    """What others have written of the caller's work. `attempt` is the number of the attempt."""

    attempt: int
    points: Decimal | None
    comment: str
    criteria: tuple[CriterionMark, ...]


class ReceivedReviews(msgspec.Struct, frozen=True):
    """Finished reviews of attempts whose grade is released."""

    items: list[ReceivedReview]

    @classmethod
    def example(cls) -> ReceivedReviews:
        return cls([ReceivedReview(1, Decimal("4.00"), "The second step needs a reason", (MARK,))])


class StaffPeerReview(msgspec.Struct, frozen=True, kw_only=True):
    """A review, for those who teach. What is not done has neither points nor texts for them.

    `label` is the pseudonym of the work while it is marked anonymously, or the names of its authors. `reviewer` is then
    the pseudonym of the reviewer's own work, and `reviewer_id` null.
    """

    id: str
    submission_id: str
    attempt_id: str
    label: str
    reviewer: str
    reviewer_id: str | None
    state: ReviewState
    points: Decimal | None
    comment: str
    criteria: tuple[CriterionMark, ...]

    @classmethod
    def example(cls) -> StaffPeerReview:
        return cls(
            id=ID,
            submission_id=OTHER,
            attempt_id=OTHER,
            label="K7QF3M",
            reviewer="B9WX4C",
            reviewer_id=None,
            state=ReviewState.DONE,
            points=Decimal("4.00"),
            comment="The second step needs a reason",
            criteria=(MARK,),
        )


class PeerAllocation(msgspec.Struct, frozen=True):
    """How far peer review is. `allocated_at` null: reviews were not given out yet.

    `fewest` and `most` are how many reviews a submission gets.
    """

    assignment_id: str
    allocated_at: datetime | None
    submissions: int
    reviewers: int
    reviews: int
    begun: int
    done: int
    fewest: int
    most: int

    @classmethod
    def example(cls) -> PeerAllocation:
        return cls(ID, AT, 28, 28, 84, 3, 12, 3, 3)


class ReviewsGiven(msgspec.Struct, frozen=True):
    """`assignments.peer_reviews`: how many reviews the user has to write now. `GET …/peer-reviews/mine` has them."""

    assignment_id: str
    reviews: int
    rev: int


GIVEN: Final = PushType("assignments.peer_reviews", ReviewsGiven)
