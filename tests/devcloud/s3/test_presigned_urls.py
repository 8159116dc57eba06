"""A presigned URL is good for what was signed, while it lasts, and for nothing else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.devcloud.aws import Aws
from tests.devcloud.aws import refused as refused_call

KEY = "files/a b+ä/1.pdf"
BODY = b"0123456789"


async def url(aws: Aws, operation: str, bucket: str, *, client: Any = None, seconds: int = 60, **params: Any) -> str:
    wanted = {"Bucket": bucket, "Key": KEY} | params
    return str(await (client or aws.s3).generate_presigned_url(operation, Params=wanted, ExpiresIn=seconds))


async def stored(aws: Aws) -> str:
    """A bucket with an object."""
    bucket = await aws.bucket()
    await aws.s3.put_object(Bucket=bucket, Key=KEY, Body=BODY, ContentType="application/pdf")
    return bucket


def refused(answer: httpx.Response, code: str, status: int, text: str = "") -> None:
    found = (answer.status_code, f"<Code>{code}</Code>" in answer.text, text in answer.text)
    assert found == (status, True, True), answer.text


async def test_an_object_is_read_in_whole_and_in_part(aws: Aws) -> None:
    signed = await url(aws, "get_object", await stored(aws))
    answer = await aws.http.get(signed)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, BODY, "application/pdf")
    part = await aws.http.get(signed, headers={"range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    tail = await aws.http.get(signed, headers={"range": "bytes=-3"})
    assert (tail.status_code, tail.content) == (206, b"789")
    beyond = await aws.http.get(signed, headers={"range": "bytes=20-"})
    refused(beyond, "InvalidRange", 416)


async def test_headers_of_the_answer_are_signed(aws: Aws) -> None:
    disposition = "attachment; filename=\"a.pdf\"; filename*=UTF-8''%C3%A4.pdf"
    signed = await url(
        aws,
        "get_object",
        await stored(aws),
        ResponseContentDisposition=disposition,
        ResponseContentType="application/octet-stream",
    )
    answer = await aws.http.get(signed)
    assert answer.headers["content-disposition"] == disposition
    assert answer.headers["content-type"] == "application/octet-stream"
    refused(await aws.http.get(signed.replace("attachment", "inline")), "SignatureDoesNotMatch", 403)


async def test_a_url_is_for_one_object_and_one_method(aws: Aws) -> None:
    bucket = await stored(aws)
    await aws.s3.put_object(Bucket=bucket, Key="other", Body=b"x")
    signed = await url(aws, "get_object", bucket)
    refused(await aws.http.get(signed.replace(quote(KEY), "other")), "SignatureDoesNotMatch", 403)
    refused(await aws.http.put(signed, content=b"x"), "SignatureDoesNotMatch", 403)
    refused(await aws.http.get(signed + "&response-content-type=text/html"), "SignatureDoesNotMatch", 403)
    refused(await aws.http.get(signed.replace("Expires=60", "Expires=600")), "SignatureDoesNotMatch", 403)


async def test_a_url_ends(aws: Aws) -> None:
    signed = await url(aws, "get_object", await stored(aws), seconds=1)
    assert (await aws.http.get(signed)).status_code == 200
    async with asyncio.timeout(10):
        while (answer := await aws.http.get(signed)).status_code == 200:
            await asyncio.sleep(0.1)
    refused(answer, "AccessDenied", 403, "Request has expired")
    long = await url(aws, "get_object", "b", seconds=604_801)
    refused(await aws.http.get(long), "AuthorizationQueryParametersError", 400)


@pytest.mark.parametrize(
    ("id", "secret", "code"),
    [("nobody", "devcloud", "InvalidAccessKeyId"), ("devcloud", "guess", "SignatureDoesNotMatch")],
)
async def test_a_url_signed_with_another_key_is_refused(aws: Aws, id: str, secret: str, code: str) -> None:
    client = await aws.client("s3", credentials={"aws_access_key_id": id, "aws_secret_access_key": secret})
    refused(await aws.http.get(await url(aws, "get_object", await stored(aws), client=client)), code, 403)


async def test_a_url_for_another_region_is_refused(aws: Aws) -> None:
    client = await aws.client("s3", region="eu-west-1")
    answer = await aws.http.get(await url(aws, "get_object", await stored(aws), client=client))
    refused(answer, "AuthorizationQueryParametersError", 400, "expecting 'us-east-1'")


async def test_what_is_not_signed_is_refused(aws: Aws) -> None:
    bucket = await stored(aws)
    refused(await aws.http.get(f"/{bucket}/{quote(KEY)}"), "AccessDenied", 403)
    refused(await aws.http.put(f"/{bucket}/x", content=b"x"), "AccessDenied", 403)
    refused(await aws.http.get(f"/{bucket}?list-type=2"), "AccessDenied", 403)
    old = f"/{bucket}/{quote(KEY)}?AWSAccessKeyId=devcloud&Signature=x&Expires=9999999999"
    refused(await aws.http.get(old), "InvalidRequest", 400)


async def test_an_sdk_with_the_wrong_secret_is_refused(aws: Aws) -> None:
    wrong = await aws.client("s3", credentials={"aws_access_key_id": "devcloud", "aws_secret_access_key": "guess"})
    await refused_call(wrong.list_buckets(), "SignatureDoesNotMatch", 403)
    # Any other credentials are good, as for the rest of the stand-in.
    other = await aws.client("s3", credentials={"aws_access_key_id": "else", "aws_secret_access_key": "x"})
    await other.list_buckets()


async def test_an_upload_has_the_type_and_the_checksum_that_were_signed(aws: Aws) -> None:
    bucket = await aws.bucket()
    sha256 = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    signed = await url(aws, "put_object", bucket, ContentType="image/png", ChecksumSHA256=sha256)
    headers = {"content-type": "image/png", "x-amz-checksum-sha256": sha256}
    headers = {name: value for name, value in headers.items() if name in signed} if "sha256=" in signed else headers
    refused(await aws.http.put(signed, content=BODY), "SignatureDoesNotMatch", 403)
    wrong = headers | {"content-type": "text/html"}
    refused(await aws.http.put(signed, content=BODY, headers=wrong), "SignatureDoesNotMatch", 403)
    refused(await aws.http.put(signed, content=b"else", headers=headers), "BadDigest", 400)
    assert await aws.keys(bucket) == []
    assert (await aws.http.put(signed, content=BODY, headers=headers)).status_code == 200
    head = await aws.s3.head_object(Bucket=bucket, Key=KEY, ChecksumMode="ENABLED")
    assert (head["ContentType"], head["ChecksumSHA256"]) == ("image/png", sha256)


async def test_headers_of_amazon_must_be_signed(aws: Aws) -> None:
    signed = await url(aws, "put_object", await aws.bucket())
    answer = await aws.http.put(signed, content=b"x", headers={"x-amz-meta-mine": "1"})
    refused(answer, "AccessDenied", 403, "not signed")


async def test_an_object_is_not_written_over(aws: Aws) -> None:
    signed = await url(aws, "put_object", await stored(aws), IfNoneMatch="*")
    answer = await aws.http.put(signed, content=b"x", headers={"if-none-match": "*"})
    refused(answer, "PreconditionFailed", 412)
