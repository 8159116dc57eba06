"""Channels, stream keys, tags, pages and quotas, as the SDK sees them."""

from __future__ import annotations

import pytest

from .aws import Aws, refused

NOBODY = "arn:aws:ivs:us-east-1:123456789012:channel/nobody"


async def test_a_channel_from_its_making_to_its_end(aws: Aws) -> None:
    created = await aws.ivs.create_channel(name="maths_1", authorized=True, tags={"session": "s1"})
    channel, key = created["channel"], created["streamKey"]
    arn = channel["arn"]
    assert arn.startswith("arn:aws:ivs:us-east-1:123456789012:channel/")
    assert (channel["name"], channel["authorized"], channel["latencyMode"]) == ("maths_1", True, "LOW")
    assert channel["playbackUrl"].startswith(f"{aws.url}/api/video/v1/us-east-1.123456789012.channel.")
    assert (key["channelArn"], key["value"][:13]) == (arn, "sk_us-east-1_")

    assert (await aws.ivs.get_channel(arn=arn))["channel"] == channel
    updated = (await aws.ivs.update_channel(arn=arn, latencyMode="NORMAL"))["channel"]
    assert updated == channel | {"latencyMode": "NORMAL"}
    listed = (await aws.ivs.list_channels(filterByName="maths_1"))["channels"]
    # A summary tells less.
    assert [(item["arn"], "playbackUrl" in item) for item in listed] == [(arn, False)]

    await aws.ivs.tag_resource(resourceArn=arn, tags={"mentor": "m1"})
    await aws.ivs.untag_resource(resourceArn=arn, tagKeys=["session", "unknown"])
    assert (await aws.ivs.list_tags_for_resource(resourceArn=arn))["tags"] == {"mentor": "m1"}
    assert (await aws.ivs.get_channel(arn=arn))["channel"]["tags"] == {"mentor": "m1"}

    await aws.ivs.delete_channel(arn=arn)
    await refused(aws.ivs.get_channel(arn=arn), "ResourceNotFoundException", 404, arn)
    await refused(aws.ivs.get_stream_key(arn=key["arn"]), "ResourceNotFoundException", 404)


async def test_a_channel_has_one_stream_key(aws: Aws) -> None:
    arn = await aws.channel()
    keys = (await aws.ivs.list_stream_keys(channelArn=arn))["streamKeys"]
    await refused(aws.ivs.create_stream_key(channelArn=arn), "ServiceQuotaExceededException", 402)
    await aws.ivs.delete_stream_key(arn=keys[0]["arn"])
    fresh = (await aws.ivs.create_stream_key(channelArn=arn))["streamKey"]
    both = await aws.ivs.batch_get_stream_key(arns=[fresh["arn"], keys[0]["arn"]])
    assert [key["value"] for key in both["streamKeys"]] == [fresh["value"]]
    assert [(item["arn"], item["code"]) for item in both["errors"]] == [(keys[0]["arn"], "ResourceNotFoundException")]
    await refused(aws.ivs.create_stream_key(channelArn=NOBODY), "ResourceNotFoundException", 404)


async def test_pages_hold_everything_once(aws: Aws) -> None:
    bucket = await aws.bucket()
    destination = {"s3": {"bucketName": bucket}}
    recording = (await aws.ivs.create_recording_configuration(destinationConfiguration=destination))[
        "recordingConfiguration"
    ]["arn"]
    arns = [await aws.channel(recordingConfigurationArn=recording) for _ in range(7)]
    pages = [
        [item["arn"] for item in page["channels"]]
        async for page in aws.ivs.get_paginator("list_channels").paginate(
            filterByRecordingConfigurationArn=recording, PaginationConfig={"PageSize": 3}
        )
    ]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [arn for page in pages for arn in page] == arns
    await refused(aws.ivs.list_channels(nextToken="bm9uZQ=="), "ValidationException", 400, "nextToken")
    await refused(aws.ivs.delete_recording_configuration(arn=recording), "ConflictException", 409)


async def test_a_quota_may_be_lowered_and_rates_be_strict(aws: Aws) -> None:
    await aws.faults(quotas={"channel": 0}, strict_quotas=True)
    await refused(aws.ivs.create_channel(), "ServiceQuotaExceededException", 402)
    for _ in range(5):
        await refused(aws.ivs.get_channel(arn=NOBODY), "ResourceNotFoundException", 404)
    await refused(aws.ivs.get_channel(arn=NOBODY), "ThrottlingException", 429, "Rate exceeded")
    await aws.drive("PUT", "faults", status=400, json={"quotas": {"moon": 1}})


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"name": "two words"},
            "Value 'two words' at 'name' failed to satisfy constraint: Member must satisfy regular",
        ),
        ({"latencyMode": "FAST"}, "at 'latencyMode' failed to satisfy constraint: Member must satisfy enum value set"),
        ({"name": "n" * 129}, "Member must have length less than or equal to 128"),
        ({"recordingConfigurationArn": NOBODY}, "at 'recordingConfigurationArn'"),
        ({"tags": {"k": "v" * 257}}, "at 'tags.k.value'"),
        ({"name": "a b", "type": "X"}, "2 validation errors detected: "),
    ],
)
async def test_what_the_sdk_lets_pass_the_service_refuses(aws: Aws, options: dict[str, object], text: str) -> None:
    answer = await refused(aws.ivs.create_channel(**options), "ValidationException", 400, text)
    assert answer["exceptionMessage"] == answer["Error"]["Message"]


async def test_requests_of_another_region_and_unsigned_ones(aws: Aws) -> None:
    elsewhere = await aws.client("ivs", region="eu-west-1")
    await refused(elsewhere.list_channels(), "InvalidSignatureException", 403, "us-east-1")
    # Without a signature nobody knows that it is for IVS, as with the real one it is not even its host.
    assert (await aws.http.post("/ListChannels", json={})).status_code >= 400
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=a/20200714/us-east-1/ivs/aws4_request, Signature=x"}
    unknown = await aws.http.post("/MakeTea", headers=signed)
    assert (unknown.status_code, unknown.headers["x-amzn-errortype"]) == (404, "UnknownOperationException")
    for body in (b"{", b"[]", b'{"name":1}', b'{"authorized":"yes"}'):
        answer = await aws.http.post("/CreateChannel", headers=signed, content=body)
        assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "SerializationException"), body
