"""What a client says of a body is computed again, and kept with the object."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

import pytest

from tests.devcloud.aws import Aws, refused

BODY = b"what was handed in"
SHA256 = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
OTHER = base64.b64encode(hashlib.sha256(b"else").digest()).decode()


async def head(aws: Aws, bucket: str, key: str = "k") -> dict[str, Any]:
    answer: dict[str, Any] = await aws.s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    return {name: value for name, value in answer.items() if name.startswith("Checksum")}


async def test_the_sha256_of_an_object_is_kept(aws: Aws) -> None:
    bucket = await aws.bucket()
    put = await aws.s3.put_object(Bucket=bucket, Key="k", Body=BODY, ChecksumSHA256=SHA256)
    assert (put["ChecksumSHA256"], put["ChecksumType"]) == (SHA256, "FULL_OBJECT")
    assert await head(aws, bucket) == {"ChecksumSHA256": SHA256, "ChecksumType": "FULL_OBJECT"}
    unasked = await aws.s3.head_object(Bucket=bucket, Key="k")
    assert "ChecksumSHA256" not in unasked
    # The SDK checks the body by it.
    got = await aws.s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (await got["Body"].read(), got["ChecksumSHA256"]) == (BODY, SHA256)
    attributes = await aws.s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectSize"]
    )
    assert attributes["Checksum"] == {"ChecksumSHA256": SHA256, "ChecksumType": "FULL_OBJECT"}
    assert (attributes["ObjectSize"], attributes["ETag"]) == (len(BODY), put["ETag"].strip('"'))
    await refused(aws.s3.get_object_attributes(Bucket=bucket, Key="none", ObjectAttributes=["ETag"]), "NoSuchKey", 404)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"ChecksumSHA256": OTHER}, "BadDigest"),
        ({"ChecksumSHA256": "eA=="}, "InvalidRequest"),
        ({"ChecksumCRC32": base64.b64encode(zlib.crc32(b"else").to_bytes(4, "big")).decode()}, "BadDigest"),
        ({"ContentMD5": base64.b64encode(hashlib.md5(b"else", usedforsecurity=False).digest()).decode()}, "BadDigest"),
        ({"ContentMD5": "eA=="}, "InvalidDigest"),
    ],
)
async def test_another_body_is_refused(aws: Aws, wrong: dict[str, str], code: str) -> None:
    bucket = await aws.bucket()
    await refused(aws.s3.put_object(Bucket=bucket, Key="k", Body=BODY, **wrong), code, 400)
    assert await aws.keys(bucket) == []


async def test_an_object_that_is_written_again_has_its_own(aws: Aws) -> None:
    bucket = await aws.bucket()
    await aws.s3.put_object(Bucket=bucket, Key="k", Body=BODY, ChecksumSHA256=SHA256)
    await aws.s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert (await head(aws, bucket, "copy"))["ChecksumSHA256"] == SHA256
    await aws.s3.put_object(Bucket=bucket, Key="k", Body=b"else", ChecksumSHA256=OTHER)
    assert (await head(aws, bucket))["ChecksumSHA256"] == OTHER
    await aws.s3.put_object(Bucket=bucket, Key="k", Body=b"other")
    assert "ChecksumSHA256" not in await head(aws, bucket)
    await aws.s3.delete_object(Bucket=bucket, Key="k")
    await refused(head(aws, bucket), "404", 404)


async def test_a_large_body_is_checked_too(aws: Aws) -> None:
    bucket = await aws.bucket()
    body = bytes(3_000_000)
    await refused(aws.s3.put_object(Bucket=bucket, Key="k", Body=body, ChecksumSHA256=OTHER), "BadDigest", 400)
    right = base64.b64encode(hashlib.sha256(body).digest()).decode()
    await aws.s3.put_object(Bucket=bucket, Key="k", Body=body, ChecksumSHA256=right)
