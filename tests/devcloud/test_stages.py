"""Stages, their participants and compositions; chat rooms."""

from __future__ import annotations

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .aws import Aws, refused


async def test_participants_come_publish_and_are_sent_away(aws: Aws) -> None:
    made = await aws.realtime.create_stage(name="st", participantTokenConfigurations=[{"userId": "m", "duration": 5}])
    arn, [mentor] = made["stage"]["arn"], made["participantTokens"]
    assert (mentor["userId"], mentor["duration"], mentor["capabilities"]) == ("m", 5, ["PUBLISH", "SUBSCRIBE"])
    student = (
        await aws.realtime.create_participant_token(
            stageArn=arn, userId="s", attributes={"role": "student"}, capabilities=["SUBSCRIBE"]
        )
    )["participantToken"]
    joined = await aws.drive("POST", "participants/join", json={"token": mentor["token"], "publish": True})
    session = joined["sessionId"]
    assert (await aws.realtime.get_stage(arn=arn))["stage"]["activeSessionId"] == session
    await aws.drive("POST", "participants/join", json={"token": student["token"]})
    refusal = await aws.drive(
        "POST", "participants/join", status=400, json={"token": student["token"], "publish": True}
    )
    assert refusal["code"] == "AccessDeniedException"

    async def there(**filters: object) -> set[str]:
        listed = await aws.realtime.list_participants(stageArn=arn, sessionId=session, **filters)
        return {item["userId"] for item in listed["participants"]}

    assert await there() == {"m", "s"}
    assert (await there(filterByPublished=True), await there(filterByUserId="s")) == ({"m"}, {"s"})
    known = {"stageArn": arn, "sessionId": session, "participantId": student["participantId"]}
    participant = (await aws.realtime.get_participant(**known))["participant"]
    assert (participant["state"], participant["attributes"]) == ("CONNECTED", {"role": "student"})

    await aws.realtime.disconnect_participant(stageArn=arn, participantId=mentor["participantId"], reason="over")
    assert await there(filterByState="CONNECTED") == {"s"}
    await aws.drive("POST", "participants/join", status=400, json={"token": mentor["token"]})
    await aws.drive("POST", "participants/leave", json={"stageArn": arn, "participantId": student["participantId"]})
    assert "activeSessionId" not in (await aws.realtime.get_stage(arn=arn))["stage"]
    ended = (await aws.realtime.get_stage_session(stageArn=arn, sessionId=session))["stageSession"]
    assert "endTime" in ended
    noted = (await aws.realtime.list_participant_events(**known))["events"]
    assert [event["name"] for event in noted] == ["JOINED", "LEFT"]
    events = await aws.received(arn)
    assert [(event["detail-type"], event["detail"]["event_name"]) for event in events] == [
        ("IVS Stage Update", "Participant Published"),
        ("IVS Stage Update", "Participant Unpublished"),
    ]
    assert events[0]["detail"]["user_id"] == "m"
    await refused(
        aws.realtime.create_participant_token(stageArn=arn, duration=20_161), "ValidationException", 400, "20160"
    )
    big = aws.realtime.create_participant_token(stageArn=arn, attributes={"k": "v" * 1024})
    await refused(big, "ValidationException", 400, "1 KB")
    # Tags of a stage are an operation of the other service that signs as `ivs`.
    await aws.realtime.tag_resource(resourceArn=arn, tags={"a": "b"})
    assert (await aws.realtime.list_tags_for_resource(resourceArn=arn))["tags"] == {"a": "b"}
    await aws.realtime.delete_stage(arn=arn)
    await refused(aws.realtime.get_stage(arn=arn), "ResourceNotFoundException", 404)


async def test_a_composition_makes_a_channel_live(aws: Aws) -> None:
    stage = (await aws.realtime.create_stage(name="st"))["stage"]["arn"]
    channel = await aws.channel()
    encoder = (await aws.realtime.create_encoder_configuration(video={"height": 360}))["encoderConfiguration"]
    assert (encoder["video"]["height"], encoder["video"]["width"]) == (360, 1280)
    wanted = {
        "stageArn": stage,
        "idempotencyToken": "once",
        "destinations": [{"channel": {"channelArn": channel, "encoderConfigurationArn": encoder["arn"]}}],
    }
    await refused(aws.realtime.start_composition(**wanted), "ConflictException", 409)
    bearer = (await aws.realtime.create_participant_token(stageArn=stage))["participantToken"]["token"]
    await aws.drive("POST", "participants/join", json={"token": bearer, "publish": True})
    first = (await aws.realtime.start_composition(**wanted))["composition"]
    again = (await aws.realtime.start_composition(**wanted))["composition"]
    assert (first["arn"], first["state"]) == (again["arn"], "ACTIVE")
    other = wanted | {"layout": {"pip": {}}}
    await refused(aws.realtime.start_composition(**other), "ConflictException", 409)
    assert (await aws.ivs.get_stream(channelArn=channel))["stream"]["state"] == "LIVE"
    listed = (await aws.realtime.list_compositions(filterByEncoderConfigurationArn=encoder["arn"]))["compositions"]
    assert [item["arn"] for item in listed] == [first["arn"]]
    await aws.realtime.stop_composition(arn=first["arn"])
    await refused(aws.ivs.get_stream(channelArn=channel), "ChannelNotBroadcasting", 404)
    assert (await aws.realtime.get_composition(arn=first["arn"]))["composition"]["state"] == "STOPPED"
    names = [event["detail"]["event_name"] for event in await aws.received(first["arn"])]
    assert names == ["Session Start", "Destination Start", "Destination End", "Session End"]


async def test_chat_rooms(aws: Aws) -> None:
    room = await aws.chat.create_room(name="r", tags={"a": "b"})
    arn = room["arn"]
    assert (room["id"], room["maximumMessageLength"]) == (arn.rpartition("/")[2], 500)
    await aws.chat.update_room(identifier=arn, maximumMessageLength=100)
    assert (await aws.chat.get_room(identifier=arn))["maximumMessageLength"] == 100
    token = await aws.chat.create_chat_token(roomIdentifier=arn, userId="u", sessionDurationInMinutes=10)
    assert token["sessionExpirationTime"] > token["tokenExpirationTime"]
    await refused(aws.chat.update_room(identifier=arn, maximumMessageLength=501), "ValidationException", 400, "500")
    assert (await aws.chat.list_tags_for_resource(resourceArn=arn))["tags"] == {"a": "b"}
    await aws.chat.delete_room(identifier=arn)
    answer = await refused(aws.chat.get_room(identifier=arn), "ResourceNotFoundException", 404)
    assert (answer["resourceType"], answer["resourceId"]) == ("ROOM", room["id"])


async def test_tokens_that_an_account_has_signed_let_in_those_of_its_stage(aws: Aws) -> None:
    private = ec.generate_private_key(ec.SECP384R1())
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    material = private.public_key().public_bytes(*form).decode()
    key = (await aws.realtime.import_public_key(name="ours", publicKeyMaterial=material))["publicKey"]
    await refused(aws.realtime.import_public_key(publicKeyMaterial=material), "ConflictException", 409)
    assert key["arn"] in [one["arn"] for one in (await aws.realtime.list_public_keys(maxResults=100))["publicKeys"]]
    stage = (await aws.realtime.create_stage(name="own"))["stage"]
    now = int(time.time())
    claims = {
        "exp": now + 60,
        "iat": now,
        "jti": "p1",
        "user_id": "m",
        "resource": stage["arn"],
        "topic": stage["arn"].rpartition("/")[2],
        "events_url": stage["endpoints"]["events"],
        "whip_url": stage["endpoints"]["whip"],
        "capabilities": {"allow_subscribe": True},
        "version": "1.0",
    }

    async def enters(status: int, *, publish: bool = False, by: Any = private, **other: Any) -> None:
        bearer = jwt.encode(claims | other, by, algorithm="ES384", headers={"kid": key["arn"]})
        await aws.drive("POST", "participants/join", status=status, json={"token": bearer, "publish": publish})

    await enters(200)
    await enters(400, publish=True)
    await enters(400, exp=now - 60)
    await enters(400, topic="another")
    await enters(400, whip_url="https://example.org")
    await enters(400, version="0.9")
    await enters(400, by=ec.generate_private_key(ec.SECP384R1()))
    await aws.realtime.disconnect_participant(stageArn=stage["arn"], participantId="p1")
    await enters(400)
    await enters(200, jti="p2")
    await aws.realtime.delete_public_key(arn=key["arn"])
    await enters(400, jti="p3")


async def test_what_is_not_built_says_so(aws: Aws) -> None:
    missing = (await aws.drive("GET", "health"))["not_built"]
    assert "ivs-realtime.StartParticipantReplication" in missing
    assert not [name for name in missing if name.startswith("ivs.")]
    call = aws.realtime.create_ingest_configuration(ingestProtocol="RTMPS")
    await refused(call, "NotImplemented", 501, "ivs-realtime.CreateIngestConfiguration is not built")
    # Validated all the same.
    await refused(aws.realtime.create_ingest_configuration(ingestProtocol="FTP"), "ValidationException", 400)
