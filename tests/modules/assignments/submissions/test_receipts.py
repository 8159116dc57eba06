"""The hash of a receipt can be made again by anybody who has what was turned in."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from modules.assignments.submissions.quiz import Answered
from modules.assignments.submissions.receipts import receipt_hash
from modules.assignments.submissions.records import Attempt, AttemptFile

AT = datetime(2026, 3, 1, 18, 30, 0, 1, tzinfo=UTC)
ATTEMPT = Attempt(
    id="t",
    submission_id="s",
    assignment_id="a",
    number=1,
    draft_rev=7,
    text="नमस्ते",
    link="https://example.org/",
    answers={"q2": Answered(("b",)), "q1": Answered(text="9.81")},
    files=(AttemptFile("f", "page.jpg", "image/jpeg", 3, "0" * 64),),
    turned_in_by="sam",
    members=("sam", "ann"),
    turned_in_at=AT,
    counted_at=AT,
    accepted_at=AT,
    receipt="",
    auto_points=None,
    auto_results=None,
    reclaimed_at=None,
)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_hash_is_of_json_in_one_form() -> None:
    answers = '{"q1":{"options":[],"text":"9.81"},"q2":{"options":["b"],"text":""}}'
    content = {
        "answers_sha256": sha256(answers),
        "assignment_id": "a",
        "attempt_id": "t",
        "counted_at": "2026-03-01T18:30:00.000001Z",
        "draft_rev": 7,
        "files": [{"id": "f", "name": "page.jpg", "sha256": "0" * 64, "size": 3, "type": "image/jpeg"}],
        "link_sha256": sha256("https://example.org/"),
        "members": ["ann", "sam"],
        "number": 1,
        "submission_id": "s",
        "text_sha256": sha256("नमस्ते"),
        "turned_in_at": "2026-03-01T18:30:00.000001Z",
        "turned_in_by": "sam",
    }
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert receipt_hash(ATTEMPT) == sha256(written)


def test_neither_zone_nor_order_changes_it() -> None:
    ist = timezone(timedelta(hours=5, minutes=30))
    same = msgspec.structs.replace(
        ATTEMPT,
        turned_in_at=AT.astimezone(ist),
        members=("ann", "sam"),
        answers=dict(reversed(ATTEMPT.answers.items())),
        receipt="x",
        reclaimed_at=AT,
    )
    assert receipt_hash(same) == receipt_hash(ATTEMPT)


@pytest.mark.parametrize("field", ["text", "link", "turned_in_by", "id"])
def test_any_change_changes_it(field: str) -> None:
    assert receipt_hash(msgspec.structs.replace(ATTEMPT, **{field: "other"})) != receipt_hash(ATTEMPT)


def test_another_file_or_another_order_changes_it() -> None:
    (file,) = ATTEMPT.files
    other = msgspec.structs.replace(file, sha256="1" * 64)
    hashes = {
        receipt_hash(msgspec.structs.replace(ATTEMPT, files=files))
        for files in ((), (file,), (other,), (file, other), (other, file))
    }
    assert len(hashes) == 5
