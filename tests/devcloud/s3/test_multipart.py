"""Uploads in parts: each part and the whole are what was announced."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.devcloud.aws import Aws, refused

KEY = "files/video.mp4"
LEAST = 5 * 1024 * 1024
BODIES = (b"a" * LEAST, b"b" * 10)


def sha256(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def whole(*bodies: bytes) -> str:
    return sha256(b"".join(hashlib.sha256(body).digest() for body in bodies)) + f"-{len(bodies)}"


class Upload:
    def __init__(self, aws: Aws, bucket: str, id: str) -> None:
        self.aws = aws
        self.bucket = bucket
        self.named = {"Bucket": bucket, "Key": KEY, "UploadId": id}

    async def put(self, number: int, body: bytes, *, checksum: str = "") -> Any:
        """Upload a part as a page does, by a presigned URL."""
        checksum = checksum or sha256(body)
        params = self.named | {"PartNumber": number, "ChecksumSHA256": checksum}
        url = await self.aws.s3.generate_presigned_url("upload_part", Params=params, ExpiresIn=60)
        headers = {} if "checksum-sha256=" in url else {"x-amz-checksum-sha256": checksum}
        return await self.aws.http.put(url, content=body, headers=headers)

    async def complete(self, parts: list[dict[str, Any]], **more: Any) -> Any:
        return await self.aws.s3.complete_multipart_upload(**self.named, MultipartUpload={"Parts": parts}, **more)


@pytest.fixture
async def upload(aws: Aws) -> Upload:
    bucket = await aws.bucket()
    created = await aws.s3.create_multipart_upload(Bucket=bucket, Key=KEY, ChecksumAlgorithm="SHA256")
    assert created["ChecksumAlgorithm"] == "SHA256"
    return Upload(aws, bucket, created["UploadId"])


async def uploaded(upload: Upload, *bodies: bytes) -> list[dict[str, Any]]:
    parts = []
    for number, body in enumerate(bodies, 1):
        answer = await upload.put(number, body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-amz-checksum-sha256"] == sha256(body)
        parts.append({"PartNumber": number, "ETag": answer.headers["etag"], "ChecksumSHA256": sha256(body)})
    return parts


async def test_parts_make_a_whole(aws: Aws, upload: Upload) -> None:
    parts = await uploaded(upload, *BODIES)
    listed = await aws.s3.list_parts(**upload.named)
    assert [(one["PartNumber"], one["Size"], one["ChecksumSHA256"]) for one in listed["Parts"]] == [
        (number, len(body), sha256(body)) for number, body in enumerate(BODIES, 1)
    ]
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ("SHA256", "COMPOSITE")
    done = await upload.complete(parts, ChecksumSHA256=whole(*BODIES), MpuObjectSize=sum(map(len, BODIES)))
    assert (done["ChecksumSHA256"], done["ChecksumType"]) == (whole(*BODIES), "COMPOSITE")
    head = await aws.s3.head_object(Bucket=upload.bucket, Key=KEY, ChecksumMode="ENABLED")
    assert (head["ChecksumSHA256"], head["ContentLength"]) == (whole(*BODIES), LEAST + 10)
    wanted = ["Checksum", "ObjectParts"]
    attributes = await aws.s3.get_object_attributes(Bucket=upload.bucket, Key=KEY, ObjectAttributes=wanted)
    assert attributes["Checksum"]["ChecksumSHA256"] == whole(*BODIES)
    assert attributes["ObjectParts"]["TotalPartsCount"] == 2
    got = await aws.s3.get_object(Bucket=upload.bucket, Key=KEY)
    assert await got["Body"].read() == b"".join(BODIES)


async def test_a_part_that_is_another_is_refused(aws: Aws, upload: Upload) -> None:
    answer = await upload.put(1, b"else", checksum=sha256(b"mine"))
    assert (answer.status_code, "<Code>BadDigest</Code>" in answer.text) == (400, True), answer.text
    assert "Parts" not in await aws.s3.list_parts(**upload.named)


async def test_parts_have_the_checksum_that_the_upload_began_with(upload: Upload) -> None:
    put = upload.aws.s3.upload_part
    await refused(put(**upload.named, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32"), "InvalidRequest", 400)
    beyond = put(**upload.named, PartNumber=10_001, Body=b"x", ChecksumSHA256=sha256(b"x"))
    await refused(beyond, "InvalidArgument", 400)


async def test_only_the_last_part_may_be_small(upload: Upload) -> None:
    parts = await uploaded(upload, b"a" * (LEAST - 1), b"b")
    await refused(upload.complete(parts), "EntityTooSmall", 400)


async def test_a_completion_agrees_with_the_parts(aws: Aws, upload: Upload) -> None:
    parts = await uploaded(upload, *BODIES)
    await refused(upload.complete(parts, ChecksumSHA256=whole(b"else")), "BadDigest", 400)
    await refused(upload.complete(parts, MpuObjectSize=1), "InvalidRequest", 400)
    await refused(upload.complete(parts[::-1]), "InvalidPartOrder", 400)
    without = [{name: value for name, value in one.items() if name != "ChecksumSHA256"} for one in parts]
    await refused(upload.complete(without), "InvalidRequest", 400, "missing for part 1")
    for wrong in ({"ETag": '"0"'}, {"PartNumber": 3}, {"ChecksumSHA256": sha256(b"else")}):
        await refused(upload.complete([parts[0], parts[1] | wrong]), "InvalidPart", 400)
    assert await aws.keys(upload.bucket) == []
    # A completion whose answer was lost may be repeated.
    assert (await upload.complete(parts))["ETag"] == (await upload.complete(parts))["ETag"]
    head = await aws.s3.head_object(Bucket=upload.bucket, Key=KEY, ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == whole(*BODIES)
    await refused(aws.s3.list_parts(**upload.named), "NoSuchUpload", 404)
    await aws.s3.delete_object(Bucket=upload.bucket, Key=KEY)
    await refused(upload.complete(parts), "NoSuchUpload", 404)


async def test_an_upload_is_found_and_aborted(aws: Aws, upload: Upload) -> None:
    await uploaded(upload, b"x")
    listed = (await aws.s3.list_multipart_uploads(Bucket=upload.bucket))["Uploads"]
    assert [(one["Key"], one["UploadId"]) for one in listed] == [(KEY, upload.named["UploadId"])]
    assert abs(listed[0]["Initiated"] - datetime.now(UTC)) < timedelta(minutes=1)
    await aws.s3.abort_multipart_upload(**upload.named)
    assert "Uploads" not in await aws.s3.list_multipart_uploads(Bucket=upload.bucket)
    assert (await upload.put(2, b"x")).status_code == 404
    await refused(aws.s3.abort_multipart_upload(**upload.named), "NoSuchUpload", 404)
