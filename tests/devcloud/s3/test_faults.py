"""Operations of S3 fail, hang and are cut off as a test wants it."""

from __future__ import annotations

import time

import httpx
import pytest
from botocore.exceptions import ReadTimeoutError

from tests.devcloud.aws import Aws, eventually, refused


async def test_an_operation_fails_by_its_name(aws: Aws) -> None:
    bucket = await aws.bucket()
    await aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    await aws.faults(
        operations={
            "s3.HeadObject": {"error": "ServiceUnavailable", "times": 1},
            "s3.ListObjectsV2": {"error": "InternalError", "times": 1, "message": "no"},
        }
    )
    await refused(aws.s3.head_object(Bucket=bucket, Key="k"), "503", 503)
    assert (await aws.s3.head_object(Bucket=bucket, Key="k"))["ContentLength"] == 1
    await refused(aws.s3.list_objects_v2(Bucket=bucket), "InternalError", 500, "no")
    calls = (await aws.drive("GET", "calls"))["calls"]
    assert calls["s3.HeadObject"] >= 2


async def test_all_of_s3_is_away_for_some_seconds(aws: Aws) -> None:
    bucket = await aws.bucket()
    begun = time.monotonic()
    await aws.faults(operations={"s3.*": {"error": "SlowDown", "seconds": 0.5}})
    await refused(aws.s3.list_objects_v2(Bucket=bucket), "SlowDown", 503)

    async def back() -> bool:
        url = await aws.s3.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket})
        return (await aws.http.get(url)).status_code == 200

    await eventually(back)
    assert time.monotonic() - begun > 0.5


async def test_the_connection_ends_before_and_after_the_deed(aws: Aws) -> None:
    bucket = await aws.bucket()
    url = await aws.s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    for when, kept in (("before", []), ("after", ["k"])):
        await aws.faults(operations={"s3.PutObject": {"error": "cut", "when": when, "times": 1}})
        with pytest.raises(httpx.RemoteProtocolError):
            await aws.http.put(url, content=b"x")
        assert await aws.keys(bucket) == kept


async def test_an_operation_hangs(aws: Aws) -> None:
    bucket = await aws.bucket()
    hasty = await aws.client("s3", timeout=0.3)
    await aws.faults(operations={"s3.GetObject": {"hang": 1.0, "times": 1}})
    with pytest.raises(ReadTimeoutError):
        await hasty.get_object(Bucket=bucket, Key="k")
    await refused(hasty.get_object(Bucket=bucket, Key="k"), "NoSuchKey", 404)
