"""The routes of submissions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.etag import tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.assignments.submissions.counter import Counted, Counter
from modules.assignments.submissions.drafts import Drafts
from modules.assignments.submissions.messages import (
    AttemptView,
    DraftSave,
    DraftView,
    Receipt,
    SubmissionView,
    TurnIn,
)
from modules.assignments.submissions.own_work import OwnWork
from modules.assignments.submissions.staff_list import StaffList
from modules.assignments.submissions.staff_messages import StaffSubmission, SubmissionLine, Wanted
from modules.assignments.submissions.steps import Steps
from modules.assignments.submissions.turn_in import TurningIn

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
Submission = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
Number = Annotated[str, PathParameter(pattern="^[1-9][0-9]{0,5}$", description="Which attempt, from 1")]
STUDENTS = signed_in(owner="they are a student of the program")
TEACHERS = roles(Role.MENTOR, Role.ADMIN, owner="they teach the program")


# The dates in it change without the revision, so the ETag is of the body.
@get("/{id:str}/submission", policy=STUDENTS)
async def read_submission(
    id: Id, principal: NamedDependency[Principal], own_work: NamedDependency[OwnWork]
) -> SubmissionView:
    """What you have handed in, alone or with your group."""
    return await own_work.submission(principal, id)


@get("/{id:str}/submission/attempts/{number:str}", policy=STUDENTS)
async def read_attempt(
    id: Id, number: Number, principal: NamedDependency[Principal], own_work: NamedDependency[OwnWork]
) -> AttemptView:
    """One attempt, whole; with its grade when that is released."""
    return await own_work.attempt(principal, id, int(number))


@get("/{id:str}/submission/attempts/{number:str}/receipt", policy=STUDENTS)
async def read_receipt(
    id: Id, number: Number, principal: NamedDependency[Principal], turning_in: NamedDependency[TurningIn]
) -> Receipt:
    """The receipt of an attempt, as it was given."""
    return await turning_in.receipt(principal, id, int(number))


# The state of a file in it changes without the revision.
@get("/{id:str}/submission/draft", policy=STUDENTS, conditional=False)
async def read_draft(
    id: Id, principal: NamedDependency[Principal], drafts: NamedDependency[Drafts]
) -> Response[DraftView]:
    """Your draft, or your group's."""
    return tagged(await drafts.read(principal, id))


@put("/{id:str}/submission/draft", policy=STUDENTS)
async def save_draft(
    id: Id,
    data: JSONBody[DraftSave],
    principal: NamedDependency[Principal],
    drafts: NamedDependency[Drafts],
    arrived_at: NamedDependency[datetime],
) -> Response[DraftView]:
    """Save the whole draft. One that was saved somewhere else since is answered in `current` of the refusal."""
    return tagged(await drafts.save(principal, id, data, arrived_at))


@post("/{id:str}/submission/turn-in", policy=STUDENTS, status_code=200)
async def turn_in(
    id: Id,
    data: JSONBody[TurnIn],
    principal: NamedDependency[Principal],
    turning_in: NamedDependency[TurningIn],
    arrived_at: NamedDependency[datetime],
) -> Receipt:
    """Turn in the draft. Repeat it as often as you like: the same draft gives the same receipt."""
    return await turning_in.turn_in(principal, id, data.draft_rev, arrived_at)


@post("/{id:str}/submission/reclaim", policy=STUDENTS, status_code=200)
async def reclaim(id: Id, principal: NamedDependency[Principal], steps: NamedDependency[Steps]) -> SubmissionView:
    """Take back what is turned in, before anybody has begun to grade it."""
    return await steps.reclaim(principal, id)


@post("/{id:str}/submission/resubmit", policy=STUDENTS, status_code=200)
async def resubmit(id: Id, principal: NamedDependency[Principal], steps: NamedDependency[Steps]) -> SubmissionView:
    """Go on with the draft of what was returned, for another attempt."""
    return await steps.resubmit(principal, id)


@get("/{id:str}/submissions", policy=TEACHERS)
async def list_submissions(
    id: Id,
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    staff_list: NamedDependency[StaffList],
    wanted: Annotated[Wanted | None, QueryParameter(name="show", description="Only those")] = None,
) -> Page[SubmissionLine]:
    """All work for an assignment, by name; with those who have handed in nothing."""
    return await staff_list.listed(principal, id, wanted, span)


@get("/{id:str}/submissions/{submission:str}", policy=TEACHERS)
async def read_submission_of(
    id: Id, submission: Submission, principal: NamedDependency[Principal], staff_list: NamedDependency[StaffList]
) -> StaffSubmission:
    """One submission with all its attempts."""
    return await staff_list.read(principal, id, submission)


@get("/{id:str}/counter", policy=TEACHERS)
async def read_counter(
    id: Id, principal: NamedDependency[Principal], counter: NamedDependency[Counter]
) -> Response[Counted]:
    """How many submissions are turned in."""
    return tagged(await counter.read(principal, id))


def router(
    drafts: Drafts, turning_in: TurningIn, own_work: OwnWork, steps: Steps, staff_list: StaffList, counter: Counter
) -> Router:
    return Router(
        "/assignments",
        route_handlers=[
            read_submission,
            read_attempt,
            read_receipt,
            read_draft,
            save_draft,
            turn_in,
            reclaim,
            resubmit,
            list_submissions,
            read_submission_of,
            read_counter,
        ],
        dependencies=services(
            drafts=drafts,
            turning_in=turning_in,
            own_work=own_work,
            steps=steps,
            staff_list=staff_list,
            counter=counter,
        ),
    )
