"""The receipt of a turn-in: what was handed in, when, and a hash of both.

The hash is SHA-256 of the receipt's content as JSON in one form: the fields of `Proof`, names sorted, without spaces,
in UTF-8; moments in UTC with microseconds, as `2026-01-31T18:30:00.000000Z`. It can be made of the rows again, which
shows whether they are what was acknowledged. Text, link and answers stand in it as hashes: a receipt can be shown to
others.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from modules.assignments.submissions.records import Attempt, AttemptFile


class Proof(msgspec.Struct, frozen=True):
    """What the hash of a receipt is made of. `answers_sha256` is of the answers as JSON with sorted names."""

    assignment_id: str
    submission_id: str
    attempt_id: str
    number: int
    draft_rev: int
    turned_in_by: str
    members: list[str]
    turned_in_at: str
    counted_at: str
    text_sha256: str
    link_sha256: str
    answers_sha256: str
    files: list[AttemptFile]


def proof(attempt: Attempt) -> Proof:
    answers = msgspec.json.encode(attempt.answers, order="sorted")
    return Proof(
        attempt.assignment_id,
        attempt.submission_id,
        attempt.id,
        attempt.number,
        attempt.draft_rev,
        attempt.turned_in_by,
        sorted(attempt.members),
        moment(attempt.turned_in_at),
        moment(attempt.counted_at),
        sha256(attempt.text.encode()).hexdigest(),
        sha256(attempt.link.encode()).hexdigest(),
        sha256(answers).hexdigest(),
        list(attempt.files),
    )


def receipt_hash(attempt: Attempt) -> str:
    """In lower-case hex. What `attempt.receipt` holds plays no part."""
    return sha256(msgspec.json.encode(proof(attempt), order="sorted")).hexdigest()


def moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
