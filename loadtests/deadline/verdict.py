"""Compares what students were answered with the rows and the bucket."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Final

import aioboto3  # type: ignore[import-untyped,unused-ignore]
import asyncpg
import msgspec

from loadtests.deadline.student import TurnedIn, stamp_of
from loadtests.deadline.work import AFTER_UPLOAD, Work

ATTEMPTS: Final = """
    SELECT submission.user_id, attempt.id, attempt.number, attempt.turned_in_at, attempt.receipt, attempt.files,
        ARRAY(
            SELECT file.object_key FROM file_reference AS held JOIN file ON file.id = held.file_id
            WHERE held.holder = 'assignments.attempt:' || attempt.id ORDER BY held.position
        ) AS keys
    FROM assignments_attempt AS attempt JOIN assignments_submission AS submission ON submission.id = submission_id
    WHERE attempt.assignment_id = $1
"""
BUCKET: Final = "ksmp-uploads"
# As the stand-in for AWS takes them.
KEYS: Final = {"aws_access_key_id": "devcloud", "aws_secret_access_key": "devcloud", "region_name": "us-east-1"}


async def faults(work: Work, database: asyncpg.Pool, answered: Sequence[TurnedIn], counts: Counter[str]) -> list[str]:
    """Each promise that was broken, as a sentence. Counts what was compared."""
    rows = defaultdict(list)
    for row in await database.fetch(ATTEMPTS, work.assignment):
        rows[row["user_id"]].append(row)
    found: list[str] = []
    session = aioboto3.Session(**KEYS)
    async with session.client("s3", endpoint_url=work.running.aws_endpoint) as s3:
        for one in answered:
            mine = rows.pop(one.user, [])
            counts["attempts"] += len(mine)
            if len(mine) != 1:
                found.append(f"{one.user} was acknowledged, and has {len(mine)} attempts")
                continue
            found += _row(work, one, mine[0], counts)
            found += [f"{one.user}: {fault}" for fault in await _objects(s3, one, mine[0], counts)]
    # Who was not answered may have turned in all the same, but once.
    found += [f"{user} has {len(mine)} attempts" for user, mine in rows.items() if len(mine) > 1]
    return found


def _row(work: Work, one: TurnedIn, row: Any, counts: Counter[str]) -> list[str]:
    found = []
    receipt = one.receipt
    if (row["id"], row["receipt"]) != (receipt["attempt_id"], receipt["hash"]):
        found.append(f"{one.user} has the receipt of {receipt['attempt_id']}, and the row is {row['id']}")
    if stamp_of(receipt) != row["turned_in_at"]:
        found.append(f"{one.user} has a receipt of {receipt['turned_in_at']}, and the row says {row['turned_in_at']}")
    counts[f"days late: {receipt['days_late']}"] += 1
    due = work.due.timestamp()
    expected = one.times.late(due, AFTER_UPLOAD)
    counts["late or not: the student cannot tell"] += expected is None
    if expected is not None and receipt["days_late"] != expected:
        known = {name: f"{at - due:+.2f}" for name, at in msgspec.structs.asdict(one.times).items() if at}
        found.append(f"{one.user} ({one.kind}) is {receipt['days_late']} days late; seconds from the deadline: {known}")
    return found


async def _objects(s3: Any, one: TurnedIn, row: Any, counts: Counter[str]) -> list[str]:
    """Every object is in the bucket, with the bytes that were uploaded."""
    named = [file["sha256"] for file in msgspec.json.decode(row["files"])]
    if named != one.hashes or [file["sha256"] for file in one.receipt["files"]] != one.hashes:
        return [f"the files are {named}, and were {one.hashes}"]
    if len(row["keys"]) != len(one.hashes):
        return [f"{len(row['keys'])} files are held of {len(one.hashes)}"]
    found = []
    for key, hashed in zip(row["keys"], one.hashes, strict=True):
        try:
            body = await (await s3.get_object(Bucket=BUCKET, Key=key))["Body"].read()
        except s3.exceptions.ClientError as error:
            found.append(f"{key} is not in the bucket: {error}")
            continue
        counts["objects with the right hash"] += hashlib.sha256(body).hexdigest() == hashed
        if hashlib.sha256(body).hexdigest() != hashed:
            found.append(f"{key} has other bytes than were uploaded")
    return found
