"""The stage of interactive sessions, against the stand-in for AWS: who gets onto it, and who is sent away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from gateway.circuit_breaker import CircuitBreaker
from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireClient, connected
from modules.live.aws.client import AwsClient
from modules.live.aws.ivs_stages import Stages, mix_token
from tests.devcloud.aws import Aws
from tests.devcloud.aws import refused as aws_refused
from tests.modules.live.video.test_video import (
    CREDENTIALS,
    ENVIRON,
    aws,
    eventually,
    id_of,
    no_faults,
    refused,
    shows,
    started,
    waiting,
)

__all__ = ["aws", "no_faults"]
STAGE = {
    "KSMP_LIVE_STAGE_LIFE": "3600",
    "KSMP_LIVE_STAGE_VIEWERS": "false",
    "KSMP_LIVE_STAGE_RATE_COUNT": "50",
    "KSMP_LIVE_STAGE_RATE_SECONDS": "1",
}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    values: dict[str, Any] = {"aws_endpoint": devcloud, "address_burst": 100_000, "request_burst": 100_000}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        async with gateway(environ=ENVIRON | STAGE | {"KSMP_LIVE_LOST_END": "600"}, **values) as running:
            yield running


@pytest.fixture
async def path(caller: Caller, database: asyncpg.Pool) -> str:
    """The path of an interactive session in its lobby, open to everyone; its mentor is `meera`."""
    return await waiting(caller("meera", "mentor"), database, mode="interactive")


async def stages_of(aws: Aws, path: str) -> list[dict[str, Any]]:
    page = await aws.realtime.list_stages(maxResults=100)
    return [one for one in page["stages"] if one["name"] == f"ksmp-{id_of(path)}"]


async def enter(aws: Aws, ticket: dict[str, Any], *, publish: bool, status: int = 200) -> Any:
    body = {"token": ticket["token"], "publish": publish}
    return await aws.drive("POST", "participants/join", status=status, json=body)


async def token_of(client: WireClient, room: str) -> Any:
    return (await client.call("live.stage_token", room=room, data={}))["stage"]


async def comes_back(client: WireClient, room: str) -> None:
    """Somebody whose role has changed joins again."""
    await client.expect(lambda one: one.get("push") == "left" and one["data"]["code"] == "live.role")
    await client.join(room)


@pytest.mark.parametrize(
    "fault",
    [None, {"error": "InternalServerException", "when": "after", "times": 1}],
    ids=["well", "answers and events lost"],
)
async def test_a_session_has_one_stage_which_ends_with_it(
    caller: Caller, path: str, aws: Aws, database: asyncpg.Pool, fault: Any, no_faults: None
) -> None:
    mentor = caller("meera", "mentor")

    async def no_stage(*, temporary: bool) -> None:
        for answer in (await mentor.post(f"{path}/screen"), await mentor.get(f"{path}/stage/participants")):
            refused(answer, 409, "live.no_stage")
            assert (answer.json()["temporary"], "retry-after" in answer.headers) == (temporary, temporary)

    await no_stage(temporary=False)
    if fault is not None:
        events = {"lose": 0.4, "repeat": 0.4, "reorder": 0.4, "seed": 1}
        await aws.faults(operations={"ivs-realtime.CreateStage": fault}, events=events)
        await started(mentor, path)
    else:
        await aws.faults(operations={"ivs-realtime.CreateStage": {"error": "InternalServerException"}})
        assert (await mentor.post(f"{path}/start")).status_code == 200
        await no_stage(temporary=True)
        await aws.drive("DELETE", "faults")
        await shows(mentor, path, "ready")
    [stage] = await stages_of(aws, path)
    assert stage["tags"]["ksmp:session"] == id_of(path)

    joined = (await mentor.post(f"{path}/join")).json()
    ticket = joined["stage"]
    assert (joined["role"], ticket["publishes"]) == ("host", True)
    screen = (await mentor.post(f"{path}/screen")).json()
    # Viewers watch the channel, and share nothing.
    viewer = caller("sam")
    watches = (await viewer.post(f"{path}/join")).json()
    assert (watches["stage"], watches["playback"]["url"] != "") == (None, True)
    refused(await viewer.post(f"{path}/screen"), 403, "forbidden")
    refused(await viewer.get(f"{path}/stage/participants"), 403, "forbidden")
    refused(await viewer.delete(f"{path}/stage/participants/{ticket['participant_id']}"), 403, "forbidden")
    assert (await mentor.get(f"{path}/stage/participants")).json() == {"items": []}

    place = await enter(aws, ticket, publish=True)
    await enter(aws, screen, publish=True)
    seen = (await aws.realtime.get_participant(**{k: place[k] for k in ("stageArn", "sessionId", "participantId")}))[
        "participant"
    ]
    assert (seen["userId"], seen["attributes"]) == ("meera", {"role": "host", "kind": "camera"})
    listed = (await mentor.get(f"{path}/stage/participants")).json()["items"]
    assert [(one["user_id"], one["role"], one["kind"], one["published"]) for one in listed] == [
        ("meera", "host", "camera", True),
        ("meera", "host", "screen", True),
    ]
    # The crowd sees the stage by the channel, without a stream of anybody's encoder.
    await shows(mentor, path, "streaming")
    running = (await aws.realtime.list_compositions(filterByStageArn=stage["arn"]))["compositions"]
    assert [one["state"] for one in running] == ["ACTIVE"]

    # A mix that fails is made again.
    await aws.realtime.stop_composition(arn=running[0]["arn"])

    async def mixed() -> Any:
        found = (await aws.realtime.list_compositions(filterByStageArn=stage["arn"]))["compositions"]
        return [one["state"] for one in found]

    await eventually(mixed, lambda states: sorted(states) == ["ACTIVE", "STOPPED"])

    # A host sends one of them away, whose token is good for nothing then.
    gone = f"{path}/stage/participants/{screen['participant_id']}"
    assert (await mentor.delete(gone)).status_code == 204

    async def there() -> Any:
        return [one["kind"] for one in (await mentor.get(f"{path}/stage/participants")).json()["items"]]

    await eventually(there, lambda kinds: kinds == ["camera"])
    await enter(aws, screen, publish=True, status=400)
    refused(await mentor.delete(f"{path}/stage/participants/nobody"), 404, "not_found")

    assert (await mentor.post(f"{path}/end")).status_code == 200
    await eventually(lambda: stages_of(aws, path), lambda found: found == [])

    async def left() -> Any:
        return await database.fetchval("SELECT count(*) FROM live_participant WHERE session_id = $1", id_of(path))

    await eventually(left, lambda count: count == 0)
    assert set(await mixed()) == {"STOPPED"}


async def test_looks_at_the_same_time_start_one_mix(caller: Caller, path: str, aws: Aws, no_faults: None) -> None:
    """IVS takes its time to start the mix. Meanwhile events have the stage looked at again, by another worker too."""
    mentor = caller("meera", "mentor")
    await started(mentor, path)
    [stage] = await stages_of(aws, path)
    ticket = (await mentor.post(f"{path}/join")).json()["stage"]
    await aws.faults(operations={"ivs-realtime.StartComposition": {"hang": 1.0}}, events={"repeat": 1.0})
    await enter(aws, ticket, publish=True)
    await shows(mentor, path, "streaming")
    # This call hangs as long: those that began before it end before it.
    gone = aws.realtime.start_composition(stageArn=stage["arn"] + "0", destinations=[{}])
    await aws_refused(gone, "ResourceNotFoundException", 404)
    running = (await aws.realtime.list_compositions(filterByStageArn=stage["arn"]))["compositions"]
    assert [one["state"] for one in running] == ["ACTIVE"]


async def test_a_call_that_was_given_up_starts_no_second_mix(aws: Aws, no_faults: None) -> None:
    stage = (await aws.realtime.create_stage(name="given-up"))["stage"]["arn"]
    bearer = (await aws.realtime.create_participant_token(stageArn=stage))["participantToken"]["token"]
    await enter(aws, {"token": bearer}, publish=True)
    channel = await aws.channel()
    client = AwsClient(CircuitBreaker(1000, 1.0, "silent"))
    stages = Stages(aws.realtime, aws.realtime, client, clock=lambda: 0.0)

    async def states() -> list[str]:
        found = (await aws.realtime.list_compositions(filterByStageArn=stage))["compositions"]
        return sorted(one["state"] for one in found)

    # Both find no mix. IVS carries the first call out after the second.
    await aws.faults(operations={"ivs-realtime.StartComposition": {"hang": 1.0, "times": 1}})
    await asyncio.gather(stages.compose(stage, channel), stages.compose(stage, channel))
    assert await states() == ["ACTIVE"]
    await stages.compose(stage, channel)
    [mix] = (await aws.realtime.list_compositions(filterByStageArn=stage))["compositions"]
    await aws.realtime.stop_composition(arn=mix["arn"])
    await stages.compose(stage, channel)
    assert await states() == ["ACTIVE", "STOPPED"]
    await stages.delete(stage)


def test_a_mix_that_ivs_has_forgotten_is_made_again_a_minute_later() -> None:
    assert mix_token("stage", ["b", "a"], 1) == mix_token("stage", ["a", "b"], 1)
    assert len({mix_token("stage", [], 1), mix_token("stage", ["a"], 1), mix_token("stage", [], 2)}) == 3


async def test_who_is_invited_speaks_until_they_are_not_any_more(
    caller: Caller, path: str, aws: Aws, node: Running, token: MakeToken, no_faults: None
) -> None:
    mentor, room = caller("meera", "mentor"), f"session:{id_of(path)}"
    await started(mentor, path)
    async with (
        connected(node.ws_url, token("meera", "mentor")) as meera,
        connected(node.ws_url, token("sam")) as sam,
        connected(node.ws_url, token("tara")) as tara,
    ):
        await meera.join(room)
        tickets = []
        for client, user in ((sam, "sam"), (tara, "tara")):
            await client.join(room)
            assert await token_of(client, room) is None
            await client.call("live.raise_hand", room=room, data={})
            await meera.call("live.invite", room=room, data={"user": user})
            await comes_back(client, room)
            camera = await token_of(client, room)
            screen = (await caller(user).post(f"{path}/screen")).json()
            tickets.append((camera, screen))
        (sams, sams_screen), (taras, taras_screen) = tickets
        for ticket in (sams, taras):
            await enter(aws, ticket, publish=True)

        async def users() -> Any:
            return {one["user_id"] for one in (await mentor.get(f"{path}/stage/participants")).json()["items"]}

        assert await users() == {"sam", "tara"}
        # IVS does not answer for a while: they go when it does.
        await aws.faults(
            operations={"ivs-realtime.DisconnectParticipant": {"error": "ThrottlingException", "times": 3}}
        )
        await meera.call("live.lower_hand", room=room, data={"user": "sam"})
        await comes_back(sam, room)
        assert await token_of(sam, room) is None
        refused(await caller("sam").post(f"{path}/screen"), 403, "forbidden")
        await eventually(users, lambda found: found == {"tara"})
        await enter(aws, sams, publish=True, status=400)

        await meera.call("live.ban", room=room, data={"user": "tara"})
        await eventually(users, lambda found: found == set())
        refused(await caller("tara").post(f"{path}/screen"), 403, "forbidden")

        # Nor do tokens that nobody had used yet let them in.
        async def waiting_rooms() -> Any:
            answers = [
                await aws.http.post("/_devcloud/participants/join", json={"token": one["token"], "publish": False})
                for one in (sams_screen, taras_screen)
            ]
            return [answer.status_code for answer in answers]

        await eventually(waiting_rooms, lambda codes: codes == [400, 400])

        # Invited again, sam has another one.
        await sam.call("live.raise_hand", room=room, data={})
        await meera.call("live.invite", room=room, data={"user": "sam"})
        await comes_back(sam, room)
        await enter(aws, await token_of(sam, room), publish=True)


async def test_viewers_see_the_stage_without_anybody_asking_ivs(
    gateway: MakeGateway,
    devcloud: str,
    caller: Caller,
    path: str,
    aws: Aws,
    node: Running,
    token: MakeToken,
    database: asyncpg.Pool,
    no_faults: None,
) -> None:
    mentor, room = caller("meera", "mentor"), f"session:{id_of(path)}"
    await started(mentor, path)
    async with (
        gateway(environ=ENVIRON | STAGE | {"KSMP_LIVE_STAGE_VIEWERS": "true"}, aws_endpoint=devcloud) as other,
        httpx.AsyncClient(base_url=other.url, headers={"Authorization": f"Bearer {token('sam')}"}) as viewer,
        connected(other.ws_url, token("sam")) as sam,
        connected(other.ws_url, token("meera", "mentor")) as meera,
    ):
        # Whatever becomes of IVS, tokens are given out.
        await aws.faults(operations={"ivs-realtime.*": {"error": "InternalServerException"}})
        watches = (await viewer.post(f"{path}/join")).json()["stage"]
        hosts = (await mentor.post(f"{path}/join")).json()["stage"]
        await aws.drive("DELETE", "faults")
        assert (watches["publishes"], hosts["publishes"]) == (False, True)
        await enter(aws, watches, publish=True, status=400)
        await enter(aws, watches, publish=False)
        refused(await viewer.post(f"{path}/screen"), 403, "forbidden")

        async def roles() -> Any:
            return [one["role"] for one in (await mentor.get(f"{path}/stage/participants")).json()["items"]]

        await eventually(roles, lambda found: found == ["viewer"])
        # As a speaker they come with another token; the one before is good for nothing.
        await meera.join(room)
        await sam.join(room)
        await meera.call("live.promote", room=room, data={"user": "sam", "role": "speaker"})
        await comes_back(sam, room)
        speaks = await token_of(sam, room)
        assert speaks["publishes"]
        await enter(aws, speaks, publish=True)
        await eventually(roles, lambda found: found == ["speaker"])
        await enter(aws, watches, publish=False, status=400)
        # Made a co-host they stay where they are.
        await meera.call("live.promote", room=room, data={"user": "sam", "role": "cohost"})
        await comes_back(sam, room)
        assert await roles() == ["speaker"]

    # Who is there and has no right to be is sent away, whatever they came by.
    place = await enter(aws, hosts, publish=True)
    await database.execute("DELETE FROM live_participant WHERE id = $1", hosts["participant_id"])

    async def state() -> Any:
        found = await aws.realtime.get_participant(**{k: place[k] for k in ("stageArn", "sessionId", "participantId")})
        return found["participant"]["state"]

    await eventually(state, lambda found: found == "DISCONNECTED")
    assert await roles() == ["speaker"]


async def test_a_broadcast_has_no_stage(caller: Caller, aws: Aws, database: asyncpg.Pool) -> None:
    mentor = caller("meera", "mentor")
    path = await waiting(mentor, database)
    await started(mentor, path)
    assert await stages_of(aws, path) == []
    assert (await mentor.post(f"{path}/join")).json()["stage"] is None
    refused(await mentor.post(f"{path}/screen"), 409, "live.no_stage")
