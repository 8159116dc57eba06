"""Pages speak to a bucket as far as its CORS rules let them."""

from __future__ import annotations

from tests.devcloud.aws import Aws

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
