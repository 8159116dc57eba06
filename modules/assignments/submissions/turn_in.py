"""Turning in: a draft becomes an attempt, once, and is acknowledged when its row and its objects are there.

    stamp (a row) → objects are checked in the bucket → the attempt (one transaction) → receipt

Nobody waits for S3 in a transaction. What the check has seen cannot change before the transaction: the attempt is made
of one revision of the draft, which is compared under the lock. To turn in the same revision again gives the same
receipt, whether the first answer was lost or many ask at once. See `stamps.py` for the moment that counts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
import structlog

from gateway import clock, failpoint
from gateway.contract import Kernel
from gateway.errors import KsmpError, Unavailable, not_found
from gateway.principal import Principal
from modules.assignments import errors
from modules.assignments.catalogue.effective import EffectiveDateReader, Terms
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.dates.late_policy import days_late
from modules.assignments.events import SubmissionTurnedIn
from modules.assignments.records import Assignment
from modules.assignments.settings import SubmissionSettings
from modules.assignments.states import SubmissionStep
from modules.assignments.submissions import gates, metrics
from modules.assignments.submissions.authors import Authors
from modules.assignments.submissions.drafts import Drafts, draft_holder
from modules.assignments.submissions.first_tries import FirstTries
from modules.assignments.submissions.grader import QuestionGrader
from modules.assignments.submissions.hooks import TurnedInHook
from modules.assignments.submissions.messages import Receipt
from modules.assignments.submissions.receipts import moment, proof, receipt_hash
from modules.assignments.submissions.records import Attempt, AttemptFile, Submission, random_id
from modules.assignments.submissions.repository import SubmissionRepository
from modules.assignments.submissions.stamps import Graces, counted_at
from modules.assignments.submissions.views import StudentViews
from modules.files import facade as files
from modules.files.facade import FileFacts

log = structlog.get_logger(__name__)

# In how many seconds a client tries again after our failure.
AGAIN: Final = 2.0


def attempt_holder(attempt_id: str) -> str:
    return f"assignments.attempt:{attempt_id}"


class _Begun(msgspec.Struct, frozen=True):
    """A try to turn in, whose stamp is written; with the attempt when the same draft was turned in before."""

    assignment: Assignment
    authors: Authors
    submission: Submission
    terms: Terms
    stamp: datetime
    attempt: Attempt | None


class TurningIn:
    """Makes attempts of drafts, and gives receipts."""

    def __init__(
        self,
        kernel: Kernel,
        settings: SubmissionSettings,
        assignments: AssignmentRepository,
        rows: SubmissionRepository,
        dates: EffectiveDateReader,
        drafts: Drafts,
        tries: FirstTries,
        views: StudentViews,
        grader: QuestionGrader,
        hooks: Sequence[TurnedInHook],
    ) -> None:
        self._kernel = kernel
        self._graces = Graces(settings.turn_in_grace, settings.upload_grace, settings.after_upload)
        self._assignments = assignments
        self._rows = rows
        self._dates = dates
        self._drafts = drafts
        self._tries = tries
        self._views = views
        self._grader = grader
        self._hooks = hooks

    async def turn_in(self, principal: Principal, assignment_id: str, draft_rev: int, at: datetime) -> Receipt:
        """Turn in the draft at this revision; `at` is when that was asked.

        Raises BadInput `not_found` and `invalid`, Refused `forbidden`, Conflict `assignments.draft_changed`,
        `assignments.empty`, `assignments.not_open`, `assignments.closed`, `assignments.attempts_used`,
        `assignments.bad_transition`, `files.not_ready` and `files.lost`, and Unavailable: then the same request may be
        sent again, and the stamp of this try holds.
        """
        started = time.monotonic()
        try:
            receipt = await self._turn_in(principal, assignment_id, draft_rev, at)
        except Unavailable as error:
            metrics.turn_ins.labels("unavailable").inc()
            raise Unavailable(f"not turned in yet ({error.message}); try again", retry_after=AGAIN) from error
        except KsmpError:
            metrics.turn_ins.labels("refused").inc()
            raise
        metrics.seconds.observe(time.monotonic() - started)
        return receipt

    async def receipt(self, principal: Principal, assignment_id: str, number: int) -> Receipt:
        """The receipt of an attempt of the user's. Raises BadInput `not_found`, Refused `forbidden`, Unavailable."""
        assignment, authors = await self._drafts.own(principal, assignment_id)
        submission, authors = await self._views.own(assignment, authors, principal.id)
        attempt = None if submission is None else await self._rows.attempt_numbered(submission.id, number)
        if attempt is None or principal.id not in {*authors.members, *attempt.members}:
            raise not_found("there is no such attempt")
        return _receipt(attempt, (await self._dates.terms(assignment, [principal.id]))[principal.id])

    async def _turn_in(self, principal: Principal, assignment_id: str, draft_rev: int, at: datetime) -> Receipt:
        try:
            begun = await self._begin(principal, assignment_id, draft_rev, at)
        except Unavailable:
            # There is no row with the stamp.
            await self._tries.note(principal, assignment_id, draft_rev, at)
            raise
        failpoint.crash("kill.stamped")
        assignment, submission, terms = begun.assignment, begun.submission, begun.terms
        if begun.attempt is not None:
            metrics.turn_ins.labels("repeated").inc()
            return _receipt(begun.attempt, terms)
        holder = draft_holder(submission.id)
        storage = files.of(self._kernel)
        held = (await storage.held([holder])).get(holder, [])
        stamp = begun.stamp
        counted = counted_at(stamp, submission.draft_written_at, held, self._graces)
        if _too_late(counted, terms):
            stamp = await self._tries.earliest(submission, draft_rev, principal.id, at, stamp)
            counted = counted_at(stamp, submission.draft_written_at, held, self._graces)
        _check(assignment, submission, terms, held, at, counted)
        await storage.verify(held)
        failpoint.crash("kill.verified")
        attempt, fresh = await self._accept(principal, begun, draft_rev, held, stamp, counted)
        metrics.turn_ins.labels("accepted" if fresh else "repeated").inc()
        if fresh:
            if stamp < at:
                metrics.kept_stamps.inc()
            if days_late(counted, terms.dates.due):
                metrics.late.inc()
        return _receipt(attempt, terms)

    async def _begin(self, principal: Principal, assignment_id: str, draft_rev: int, at: datetime) -> _Begun:
        """Write the stamp of this try, if it is the first one with this draft."""
        assignment, authors = await self._drafts.own(principal, assignment_id)
        submission = await self._rows.of(assignment.id, authors)
        if submission is None:
            raise errors.empty()
        terms = (await self._dates.terms(assignment, [principal.id]))[principal.id]
        attempt = await self._rows.attempt_of_draft(submission.id, draft_rev)
        if attempt is not None:
            return _Begun(assignment, authors, submission, terms, attempt.turned_in_at, attempt)
        stamp = None
        if submission.draft_rev == draft_rev:
            stamp = await self._tries.stamp(submission, draft_rev, principal.id, at)
        if stamp is None:
            raise gates.draft_changed(await self._drafts.view(assignment.id, submission))
        return _Begun(assignment, authors, submission, terms, stamp, None)

    async def _accept(
        self,
        principal: Principal,
        begun: _Begun,
        draft_rev: int,
        held: Sequence[FileFacts],
        stamp: datetime,
        counted: datetime,
    ) -> tuple[Attempt, bool]:
        """The attempt of this draft, and whether it was made now."""
        assignment, terms = begun.assignment, begun.terms
        async with self._kernel.database.transaction():
            # Nobody changes the assignment, or a key, while something is turned in. What was changed since it was
            # looked at may alter whose work this is, or that it is taken at all: then all of it is done again.
            now = await self._assignments.share(assignment.id)
            if now is None or not now.published:
                raise not_found("there is no such assignment")
            if msgspec.structs.replace(now, rev=assignment.rev) != assignment:
                raise Unavailable("the assignment was changed in this moment", retry_after=AGAIN)
            submission = await self._rows.lock(begun.submission.id)
            if submission is None:
                raise not_found("there is no such assignment")
            number, done = await self._rows.next_attempt(submission.id, draft_rev)
            if done is not None:
                return done, False
            if submission.draft_rev != draft_rev:
                raise gates.draft_changed(await self._drafts.view(assignment.id, submission))
            gates.next_state(submission.state, SubmissionStep.TURN_IN)
            gates.check_attempts(submission.attempts, terms.attempts)
            id = random_id()
            if held:
                # Nobody changes the draft while its row is locked.
                source, ids = draft_holder(submission.id), [one.id for one in held]
                await files.of(self._kernel).share(source, attempt_holder(id), ids)
            results = await self._grader.grade(assignment, submission.draft_answers)
            attempt = Attempt(
                id=id,
                submission_id=submission.id,
                assignment_id=assignment.id,
                number=number,
                draft_rev=draft_rev,
                text=submission.draft_text,
                link=submission.draft_link,
                answers=submission.draft_answers,
                files=tuple(AttemptFile(one.id, one.name, one.type, one.size, one.sha256) for one in held),
                turned_in_by=principal.id,
                members=begun.authors.members,
                turned_in_at=stamp,
                counted_at=counted,
                accepted_at=clock.now(),
                receipt="",
                auto_points=None if results is None else results.points,
                auto_results=None if results is None else results.results,
                reclaimed_at=None,
            )
            attempt = msgspec.structs.replace(attempt, receipt=receipt_hash(attempt))
            submission = await self._rows.turn_in(attempt)
            for hook in self._hooks:
                await hook.on_turned_in(assignment, submission, attempt)
            await self._kernel.events.publish(
                SubmissionTurnedIn(
                    assignment.id,
                    assignment.program_id,
                    submission.id,
                    attempt.id,
                    attempt.number,
                    attempt.members,
                    moment(stamp),
                    days_late(counted, terms.dates.due),
                )
            )
            await self._views.push_turned_in(assignment, submission, attempt, begun.authors, terms)
            failpoint.crash("kill.turned_in")
        failpoint.crash("kill.acknowledged")
        return attempt, True


def _too_late(counted: datetime, terms: Terms) -> bool:
    limits = [at for at in (terms.dates.due_at, terms.dates.closes_at) if at is not None]
    return any(counted > at for at in limits)


def _check(
    assignment: Assignment,
    submission: Submission,
    terms: Terms,
    held: Sequence[FileFacts],
    at: datetime,
    counted: datetime,
) -> None:
    """The checks that need no lock: they look at the draft, which does not change at its revision."""
    gates.check_open(terms.dates, at)
    gates.check_not_closed(terms.dates, counted)
    if not (submission.draft_text or submission.draft_link or submission.draft_answers or held):
        raise errors.empty()
    gates.check_kinds(assignment, submission.draft_text, submission.draft_link, submission.draft_answers, len(held))
    gates.check_types(assignment, held)


def _receipt(attempt: Attempt, terms: Terms) -> Receipt:
    proven = proof(attempt)
    return Receipt(
        assignment_id=proven.assignment_id,
        submission_id=proven.submission_id,
        attempt_id=proven.attempt_id,
        number=proven.number,
        draft_rev=proven.draft_rev,
        turned_in_by=proven.turned_in_by,
        members=proven.members,
        turned_in_at=attempt.turned_in_at,
        counted_at=attempt.counted_at,
        text_sha256=proven.text_sha256,
        link_sha256=proven.link_sha256,
        answers_sha256=proven.answers_sha256,
        files=proven.files,
        hash=attempt.receipt,
        days_late=days_late(attempt.counted_at, terms.dates.due),
        due_at=terms.dates.due_at,
        rule=terms.dates.rule,
        reclaimed_at=attempt.reclaimed_at,
    )
