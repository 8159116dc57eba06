"""An upload by POST is held to its policy, and the policy to its signature, as S3 does it."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest

from tests.devcloud.aws import Aws

RANGE = [["content-length-range", 2, 1000]]
KEY = "uploads/1.pdf"


async def signed(aws: Aws, *, bucket: str = "", client: Any = None, seconds: int = 60, **what: Any) -> dict[str, Any]:
    """An upload that may be made. The SDK adds to the lists that it is given."""
    what["Conditions"] = list(what.get("Conditions", ()))
    made: dict[str, Any] = await (client or aws.s3).generate_presigned_post(
        bucket or await aws.bucket(), KEY, ExpiresIn=seconds, **what
    )
    return made


async def upload(aws: Aws, presigned: dict[str, Any], body: bytes, **change: str) -> httpx.Response:
    fields = presigned["fields"] | {name.replace("_", "-"): value for name, value in change.items()}
    return await aws.http.post(presigned["url"], data=fields, files={"file": ("x.pdf", body, "application/pdf")})


async def kept(aws: Aws, presigned: dict[str, Any]) -> list[str]:
    return await aws.keys(presigned["url"].rpartition("/")[2])


async def refused(aws: Aws, presigned: dict[str, Any], body: bytes, code: str, status: int, **change: str) -> str:
    """That the upload is refused and nothing is stored; gives the answer's text."""
    answer = await upload(aws, presigned, body, **change)
    assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (status, True), answer.text
    assert await kept(aws, presigned) == []
    return answer.text


@pytest.mark.parametrize("size", [2, 1000])
async def test_an_upload_of_the_right_size_is_stored(aws: Aws, size: int) -> None:
    presigned = await signed(aws, Conditions=RANGE)
    assert presigned["url"].startswith(aws.url)
    # Bytes that look like line ends and like a boundary are counted as what they are.
    body = (b"\r\n--" * size)[:size]
    answer = await upload(aws, presigned, body)
    assert answer.status_code == 204, answer.text
    assert answer.headers["etag"] == f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    assert await kept(aws, presigned) == [KEY]
    bucket = presigned["url"].rpartition("/")[2]
    assert await (await aws.s3.get_object(Bucket=bucket, Key=KEY))["Body"].read() == body


@pytest.mark.parametrize(("size", "code"), [(1, "EntityTooSmall"), (1001, "EntityTooLarge")])
async def test_an_upload_of_the_wrong_size_is_not(aws: Aws, size: int, code: str) -> None:
    await refused(aws, await signed(aws, Conditions=RANGE), b"x" * size, code, 400)


@pytest.mark.parametrize("key", ["other", "uploads/1.pdf.exe"])
async def test_the_key_may_not_be_changed(aws: Aws, key: str) -> None:
    await refused(aws, await signed(aws, Conditions=RANGE), b"xx", "AccessDenied", 403, key=key)


async def test_conditions_on_fields_are_kept(aws: Aws) -> None:
    type = {"Content-Type": "application/pdf"}
    presigned = await signed(aws, Fields=dict(type), Conditions=[["starts-with", "$Content-Type", "application/"]])
    await refused(aws, presigned, b"xx", "AccessDenied", 403, Content_Type="text/html")
    assert (await upload(aws, presigned, b"xx")).status_code == 204
    bucket = presigned["url"].rpartition("/")[2]
    assert (await aws.s3.head_object(Bucket=bucket, Key=KEY))["ContentType"] == "application/pdf"
    exact = await signed(aws, Fields=dict(type), Conditions=[type])
    await refused(aws, exact, b"xx", "AccessDenied", 403, Content_Type="application/pdf+x")


async def test_fields_that_no_condition_names_are_refused(aws: Aws) -> None:
    presigned = await signed(aws)
    text = await refused(aws, presigned, b"xx", "AccessDenied", 403, Content_Type="text/html")
    assert "Extra input fields: content-type" in text
    assert (await upload(aws, presigned, b"xx", x_ignore_this="x")).status_code == 204


async def test_a_forged_policy_is_refused(aws: Aws) -> None:
    presigned = await signed(aws, Conditions=RANGE)
    policy = json.loads(base64.b64decode(presigned["fields"]["policy"]))
    policy["conditions"] = [one for one in policy["conditions"] if one != RANGE[0]]
    forged = base64.b64encode(json.dumps(policy).encode()).decode()
    await refused(aws, presigned, b"x" * 2000, "SignatureDoesNotMatch", 403, policy=forged)
    await refused(aws, presigned, b"xx", "SignatureDoesNotMatch", 403, x_amz_signature="0" * 64)


async def test_a_policy_that_is_out_of_date_is_refused(aws: Aws) -> None:
    text = await refused(aws, await signed(aws, seconds=-5), b"xx", "AccessDenied", 403)
    assert "Policy expired" in text


async def test_a_policy_signed_with_another_key_is_refused(aws: Aws) -> None:
    bucket = await aws.bucket()
    for credentials, code in (
        ({"aws_access_key_id": "nobody", "aws_secret_access_key": "devcloud"}, "InvalidAccessKeyId"),
        ({"aws_access_key_id": "devcloud", "aws_secret_access_key": "guess"}, "SignatureDoesNotMatch"),
    ):
        client = await aws.client("s3", credentials=credentials)
        await refused(aws, await signed(aws, bucket=bucket, client=client), b"xx", code, 403)


async def test_a_key_pair_is_made_known(aws: Aws) -> None:
    await aws.drive("PUT", "access-keys", json={"id": "AKUPLOADER", "secret": "s3cr3t"})
    client = await aws.client("s3", credentials={"aws_access_key_id": "AKUPLOADER", "aws_secret_access_key": "s3cr3t"})
    assert (await upload(aws, await signed(aws, client=client), b"xx")).status_code == 204


async def test_an_upload_without_a_policy_is_refused(aws: Aws) -> None:
    bucket = await aws.bucket()
    nothing = {"url": f"{aws.url}/{bucket}", "fields": {"key": KEY}}
    await refused(aws, nothing, b"xx", "AccessDenied", 403)


async def test_a_policy_is_for_one_bucket(aws: Aws) -> None:
    presigned = await signed(aws)
    other = presigned | {"url": f"{aws.url}/{await aws.bucket()}"}
    await refused(aws, other, b"xx", "AccessDenied", 403)


async def test_the_checksum_that_was_signed_is_that_of_the_file(aws: Aws) -> None:
    sha256 = base64.b64encode(hashlib.sha256(b"mine").digest()).decode()
    fields = {"x-amz-checksum-sha256": sha256, "x-amz-checksum-algorithm": "SHA256"}
    presigned = await signed(aws, Fields=fields, Conditions=[{name: value} for name, value in fields.items()])
    await refused(aws, presigned, b"else", "BadDigest", 400)
    other = base64.b64encode(hashlib.sha256(b"else").digest()).decode()
    await refused(aws, presigned, b"else", "AccessDenied", 403, x_amz_checksum_sha256=other)
    assert (await upload(aws, presigned, b"mine")).status_code == 204
    bucket = presigned["url"].rpartition("/")[2]
    head = await aws.s3.head_object(Bucket=bucket, Key=KEY, ChecksumMode="ENABLED")
    assert (head["ChecksumSHA256"], head["ChecksumType"]) == (sha256, "FULL_OBJECT")


async def test_the_form_says_how_it_is_answered(aws: Aws) -> None:
    status = {"success_action_status": "201"}
    answer = await upload(aws, await signed(aws, Fields=status, Conditions=[status]), b"xx")
    assert (answer.status_code, f"<Key>{KEY}</Key>" in answer.text) == (201, True)
    redirect = {"success_action_redirect": "http://page.test/done?a=1"}
    answer = await upload(aws, await signed(aws, Fields=redirect, Conditions=[redirect]), b"xx")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("http://page.test/done?a=1&bucket=")


async def test_a_body_that_is_no_form_is_refused(aws: Aws) -> None:
    bucket = await aws.bucket()
    headers = {"content-type": "multipart/form-data; boundary=b"}
    cut = b'--b\r\nContent-Disposition: form-data; name="file"'
    for body, code in ((b"nothing", "InvalidArgument"), (cut, "MalformedPOSTRequest")):
        answer = await aws.http.post(f"/{bucket}", content=body, headers=headers)
        assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (400, True), answer.text
