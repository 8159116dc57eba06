"""A presigned POST is held to what was signed; the largest size above all."""

from __future__ import annotations

from typing import Any

import pytest

from .aws import Aws


async def post(
    aws: Aws, body: bytes, *, change: dict[str, str] | None = None, **signed: Any
) -> tuple[int, str, list[str]]:
    """Status and body of an upload by presigned POST, and what the bucket holds afterwards."""
    # The SDK adds to the list that it is given.
    signed["Conditions"] = list(signed["Conditions"])
    bucket = await aws.bucket()
    presigned = await aws.s3.generate_presigned_post(bucket, "uploads/1.pdf", ExpiresIn=60, **signed)
    assert presigned["url"].startswith(aws.url)
    fields = presigned["fields"] | (change or {})
    answer = await aws.http.post(presigned["url"], data=fields, files={"file": ("x.pdf", body, "application/pdf")})
    return answer.status_code, answer.text, await aws.keys(bucket)


RANGE = [["content-length-range", 2, 1000]]


@pytest.mark.parametrize("size", [2, 1000])
async def test_an_upload_of_the_right_size_is_stored(aws: Aws, size: int) -> None:
    # Bytes that look like line ends and like a boundary are counted as what they are.
    status, _, keys = await post(aws, (b"\r\n--" * size)[:size], Conditions=RANGE)
    assert (status, keys) == (204, ["uploads/1.pdf"])


@pytest.mark.parametrize(("size", "code"), [(1, "EntityTooSmall"), (1001, "EntityTooLarge")])
async def test_an_upload_of_the_wrong_size_is_not(aws: Aws, size: int, code: str) -> None:
    status, body, keys = await post(aws, b"x" * size, Conditions=RANGE)
    assert (status, keys) == (400, [])
    assert f"<Code>{code}</Code>" in body


async def test_what_was_signed_may_not_be_changed(aws: Aws) -> None:
    for key in ("other", "uploads/1.pdf.exe"):
        status, body, keys = await post(aws, b"xx", Conditions=RANGE, change={"key": key})
        assert (status, keys) == (403, [])
        assert "<Code>AccessDenied</Code>" in body
    fields = {"Content-Type": "application/pdf"}
    conditions = [*RANGE, ["starts-with", "$Content-Type", "application/"]]
    status, _, keys = await post(aws, b"xx", Fields=fields, Conditions=conditions)
    assert (status, keys) == (204, ["uploads/1.pdf"])
    status, _, keys = await post(aws, b"xx", Conditions=conditions, change={"Content-Type": "text/html"})
    assert (status, keys) == (403, [])
