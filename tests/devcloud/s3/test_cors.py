"""Pages speak to a bucket as far as its CORS rules let them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.devcloud.aws import Aws

DOCS = Path(__file__).parents[3] / "docs" / "files-on-aws.md"

PAGE = "https://learn.example"
RULE = {
    "AllowedOrigins": [PAGE],
    "AllowedMethods": ["PUT"],
    "AllowedHeaders": ["content-type", "x-amz-*"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 600,
}


async def preflight(aws: Aws, bucket: str, method: str, headers: str = "", origin: str = PAGE) -> tuple[int, str]:
    asked = {"origin": origin, "access-control-request-method": method}
    asked |= {"access-control-request-headers": headers} if headers else {}
    answer = await aws.http.options(f"/{bucket}/k", headers=asked)
    return answer.status_code, answer.headers.get("access-control-allow-origin", "")


async def test_every_page_may_speak_to_the_buckets_of_the_start(aws: Aws) -> None:
    assert await preflight(aws, "ksmp-uploads", "PUT", "content-type, x-amz-checksum-sha256") == (200, "*")
    assert await preflight(aws, "ksmp-uploads", "DELETE") == (403, "")
    url = await aws.s3.generate_presigned_url("put_object", Params={"Bucket": "ksmp-uploads", "Key": "cors"})
    answer = await aws.http.put(url, content=b"x", headers={"origin": PAGE})
    assert (answer.status_code, answer.headers.get_list("access-control-allow-origin")) == (200, ["*"])
    assert "ETag" in answer.headers["access-control-expose-headers"]
    # A page has to read why it was refused.
    refused = await aws.http.put(url + "x", content=b"x", headers={"origin": PAGE})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (403, "*")


async def test_a_bucket_has_rules_of_its_own(aws: Aws) -> None:
    bucket = await aws.bucket()
    assert await preflight(aws, bucket, "PUT") == (403, "")
    await aws.s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [RULE]})
    assert await preflight(aws, bucket, "PUT", "Content-Type, X-Amz-Checksum-Sha256") == (200, PAGE)
    assert await preflight(aws, bucket, "PUT", "x-other") == (403, "")
    assert await preflight(aws, bucket, "PUT", origin="https://other.example") == (403, "")
    url = await aws.s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    answer = await aws.http.get(url, headers={"origin": PAGE})
    assert "access-control-allow-origin" not in answer.headers
    await aws.s3.delete_bucket_cors(Bucket=bucket)
    assert await preflight(aws, bucket, "PUT") == (403, "")


def documented() -> dict[str, Any]:
    """The CORS rules that the page says to set."""
    found = re.search(r'```json\n(\{"CORSRules".+?)\n```', DOCS.read_text(), re.DOTALL)
    assert found is not None
    rules: dict[str, Any] = json.loads(found[1])
    return rules


async def test_the_documented_rules_let_pages_upload(aws: Aws) -> None:
    bucket, rules = await aws.bucket(), documented()
    await aws.s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=rules)
    (page,) = rules["CORSRules"][0]["AllowedOrigins"]
    for method, headers in (("POST", ""), ("PUT", "content-type,x-amz-checksum-sha256"), ("GET", "range")):
        assert await preflight(aws, bucket, method, headers, page) == (200, page)
    assert await preflight(aws, bucket, "DELETE", "", page) == (403, "")
    assert await preflight(aws, bucket, "PUT", "content-type", "https://other.example") == (403, "")
