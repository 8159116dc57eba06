"""A class while AWS fails in every way the stand-in knows, in every call of it that a class makes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from devcloud.faults import EventFaults, OperationFault
from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.member import clients_of
from ksmp_testkit.socket_client import WireClient, WireError, connected
from tests.devcloud.aws import QUEUE, Aws
from tests.modules.live.video.test_video import (
    CREDENTIALS,
    ENVIRON,
    arn_of,
    aws,
    eventually,
    id_of,
    no_faults,
    shows,
    started,
    waiting,
)

__all__ = ["aws", "no_faults"]
TIMEOUT = 0.7
# Each way in which one call fails: what a test may switch on for it.
KINDS: dict[str, dict[str, Any]] = {
    "throttled": {"error": "ThrottlingException"},
    "broken": {"error": "InternalServerException"},
    "denied": {"error": "AccessDeniedException"},
    "answer lost": {"error": "InternalServerException", "when": "after"},
    "hangs": {"hang": TIMEOUT + 0.5},
    "answer late": {"hang": TIMEOUT + 0.5, "when": "after"},
}


@contextlib.asynccontextmanager
async def fresh(gateway: MakeGateway, devcloud: str, aws: Aws) -> AsyncIterator[Running]:
    """A gateway that has never asked AWS for anything, and an AWS that knows nothing."""
    await aws.drive("DELETE", "state")
    values: dict[str, Any] = {"aws_endpoint": devcloud, "address_burst": 100_000, "request_burst": 100_000}
    short = {
        "KSMP_LIVE_LOST_END": "600",
        "KSMP_LIVE_VIDEO_TIMEOUT": str(TIMEOUT),
        "KSMP_LIVE_RECORDING_INTERVAL": "0.5",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        async with gateway(environ=ENVIRON | short, **values) as running:
            yield running


@pytest.fixture
async def node(gateway: MakeGateway, devcloud: str, aws: Aws) -> AsyncIterator[Running]:
    async with fresh(gateway, devcloud, aws) as running:
        yield running


class Lesson:
    """A small class that uses all that AWS does for one."""

    def __init__(self, aws: Aws, node: Running, token: MakeToken, caller: Caller, database: asyncpg.Pool) -> None:
        self.aws, self.node, self.token, self.caller, self.database = aws, node, token, caller, database
        self.mentor = caller("meera", "mentor")

    async def teach(self) -> None:
        """From the start to the recording; whatever fails in between is tried again, by the gateway or by who asks."""
        path = await waiting(self.mentor, self.database, mode="interactive", recording=True)
        room = f"session:{id_of(path)}"
        async with (
            connected(self.node.ws_url, self.token("meera", "mentor")) as meera,
            connected(self.node.ws_url, self.token("sam")) as sam,
        ):
            await meera.join(room)
            await sam.join(room)
            # The room is there, and nothing in it waits for AWS.
            assert (await self.mentor.post(f"{path}/start")).status_code == 200
            await sam.say(room, "Good morning")
            await shows(self.mentor, path, "ready")
            arn = await self._channel(path)
            place = await self._enter(await self._ticket(path))
            await shows(self.mentor, path, "streaming")
            entry = (await self.caller("sam").post(f"{path}/join")).json()
            assert await self._watches(entry["playback"]) == 200
            for step in ("GET stream", "GET stage/participants", "GET checks", "GET ingest", "POST ingest/rotate"):
                await self._asked(path, step)
            await meera.call("live.open_poll", room=room, nonce="p", data={"question": "Why?", "options": ["a", "b"]})
            await sam.say(room, "Because")
            await self._speak(path, room, meera, sam)
            # Who is banned sees no more, when AWS can be told so.
            await meera.call("live.ban", room=room, nonce="b", data={"user": "sam"})
            await eventually(lambda: self._watches(entry["playback"]), lambda status: status == 403)
            there = await eventually(lambda: self._on_stage(path), lambda found: found == ["meera"])
            assert there == ["meera"]
            known = {"stageArn": place["stageArn"], "participantId": place["participantId"]}
            await self.aws.drive("POST", "participants/leave", json=known)
            await self._asked(path, "POST stream/stop")
            await shows(self.mentor, path, "lost")
            assert len((await self.aws.ivs.list_stream_keys(channelArn=arn))["streamKeys"]) == 1
        assert (await self.mentor.post(f"{path}/end")).status_code == 200
        await eventually(lambda: self._left(path), lambda names: names == [])
        listed = await eventually(
            lambda: self._asked(path, "GET recordings"), lambda found: found.json()["items"] != []
        )
        (recording,) = listed.json()["items"]
        await self._asked(path, f"DELETE recordings/{recording['id']}")
        account, resource = arn.split(":")[4:6]
        prefix = f"ivs/v1/{account}/{resource.partition('/')[2]}/"

        async def kept() -> Any:
            return [key for key in await self.aws.keys("ksmp-recordings") if key.startswith(prefix)]

        await eventually(kept, lambda keys: keys == [])

    async def _speak(self, path: str, room: str, meera: WireClient, sam: WireClient) -> None:
        """Sam agrees to being recorded, is asked to speak, and is on the stage."""
        for client, cmd, data in (
            (sam, "live.consent", {"agree": True}),
            (sam, "live.raise_hand", {}),
            (meera, "live.invite", {"user": "sam"}),
        ):
            await client.call(cmd, room=room, nonce=cmd, data=data)
        await sam.expect_push("left", room)
        await sam.join(room)

        async def ticket() -> Any:
            try:
                return (await sam.call("live.stage_token", room=room, data={}))["stage"]
            except WireError as error:
                return None if error.temporary else {"token": error.code}

        await self._enter(await eventually(ticket, lambda found: found is not None))

    async def _ticket(self, path: str) -> Any:
        async def asked() -> Any:
            return (await self.mentor.post(f"{path}/join")).json()["stage"]

        return await eventually(asked, lambda found: found is not None)

    async def _asked(self, path: str, step: str) -> httpx.Response:
        """The answer, of another try where AWS was away."""
        method, _, rest = step.partition(" ")

        async def asked() -> httpx.Response:
            return await self.mentor.request(method, f"{path}/{rest}")

        answer: httpx.Response = await eventually(asked, lambda answer: answer.status_code != 503)
        assert answer.status_code in (200, 204), (step, answer.text)
        return answer

    async def _on_stage(self, path: str) -> Any:
        return [one["user_id"] for one in (await self._asked(path, "GET stage/participants")).json()["items"]]

    async def _enter(self, ticket: Any) -> Any:
        return await self.aws.drive("POST", "participants/join", json={"token": ticket["token"], "publish": True})

    async def _watches(self, playback: Any) -> int:
        headers = {"Origin": "https://app.test"}
        answer = await self.aws.http.get(playback["url"], params={"token": playback["token"]}, headers=headers)
        return answer.status_code

    async def _channel(self, path: str) -> str:
        """The channel of the session. Of an attempt that was given up there may be another, until the end."""
        arn = await self.database.fetchval("SELECT channel_arn FROM live_video WHERE session_id = $1", id_of(path))
        assert arn is not None
        return str(arn)

    async def _left(self, path: str) -> list[str]:
        """What is there of the session that costs money."""
        channels = (await self.aws.ivs.list_channels(filterByName=f"ksmp-{id_of(path)}"))["channels"]
        stages = (await self.aws.realtime.list_stages(maxResults=100))["stages"]
        return [one["name"] for one in (*channels, *stages) if id_of(path) in one.get("name", "")]


@pytest.fixture(scope="module")
async def calls(gateway: MakeGateway, devcloud: str, aws: Aws, token: MakeToken, database: asyncpg.Pool) -> set[str]:
    """What a class without faults is seen to call."""
    await aws.drive("DELETE", "faults")
    async with fresh(gateway, devcloud, aws) as running, clients_of(running, token) as clients:
        before = (await aws.drive("GET", "calls"))["calls"]
        async with asyncio.timeout(90):
            await Lesson(aws, running, token, clients.rest, database).teach()
        after = (await aws.drive("GET", "calls"))["calls"]
    return {name for name in after if after[name] > before.get(name, 0)}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_call_of_a_class_may_fail_in_every_way(
    calls: set[str],
    aws: Aws,
    node: Running,
    token: MakeToken,
    caller: Caller,
    database: asyncpg.Pool,
    no_faults: None,
    kind: str,
) -> None:
    assert {name.partition(".")[0] for name in calls} == {"ivs", "ivs-realtime", "s3", "sqs"}
    await aws.faults(operations={name: {**KINDS[kind], "times": 1} for name in calls})
    async with asyncio.timeout(90):
        await Lesson(aws, node, token, caller, database).teach()
    # The queue is asked again a while after it could not be.
    await eventually(lambda: aws.drive("GET", "faults"), lambda faults: not faults["operations"])
    print(f"\n  {kind}: each of {len(calls)} operations failed once, and the class was held")


def test_every_fault_of_a_call_is_among_them() -> None:
    # Here a call fails as often as is said, not by chance or for a time.
    used = {name for kind in KINDS.values() for name in kind} | {"times", "message", "probability", "seconds"}
    assert used == {field.name for field in msgspec.structs.fields(OperationFault)}


async def test_all_of_aws_may_be_away_when_a_class_starts(
    aws: Aws, node: Running, token: MakeToken, caller: Caller, database: asyncpg.Pool, no_faults: None
) -> None:
    mentor = caller("meera", "mentor")
    path = await waiting(mentor, database)
    room = f"session:{id_of(path)}"
    for faults in ({"operations": {"*": {"error": "ServiceUnavailable"}}}, {"quotas": {"channel": 0}}):
        path = await waiting(mentor, database)
        room = f"session:{id_of(path)}"
        await aws.faults(**faults)
        assert (await mentor.post(f"{path}/start")).status_code == 200
        async with connected(node.ws_url, token("sam")) as sam:
            await sam.join(room)
            for number in range(20):
                await sam.say(room, f"{number}")
                await asyncio.sleep(0.05)
            assert (await mentor.get(path)).json()["video"] == "starting"
            entry = (await caller("sam").post(f"{path}/join")).json()
            assert (entry["video"], entry["playback"]) == ("starting", None)
            await aws.drive("DELETE", "faults")
            await shows(mentor, path, "ready")
            assert (await sam.call("live.playback", room=room, data={}))["playback"]["token"]
        await arn_of(aws, path)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_is_shown_is_true_whatever_events_come(
    aws: Aws, caller: Caller, database: asyncpg.Pool, no_faults: None, seed: int
) -> None:
    mentor = caller("meera", "mentor")
    path = await waiting(mentor, database)
    await started(mentor, path)
    arn = await arn_of(aws, path)
    shares = {field.name: 0.5 for field in msgspec.structs.fields(EventFaults) if isinstance(field.default, float)}
    await aws.faults(events={**shares, "delay_seconds": 0.5, "hold_seconds": 0.2, "seed": seed})
    chance, running = random.Random(seed), False
    for _ in range(chance.choice([5, 6])):
        running = not running
        await aws.stream("start" if running else "stop", arn)
        await asyncio.sleep(chance.uniform(0.0, 0.4))
    await aws.settle()
    await shows(mentor, path, "streaming" if running else "lost")


async def test_what_cannot_be_read_is_taken_off_the_queue(
    aws: Aws, caller: Caller, database: asyncpg.Pool, no_faults: None
) -> None:
    mentor = caller("meera", "mentor")
    path = await waiting(mentor, database)
    await started(mentor, path)
    arn = await arn_of(aws, path)
    url = (await aws.sqs.get_queue_url(QueueName=QUEUE))["QueueUrl"]
    # What a gateway of before held when it ended comes again much later.
    await aws.sqs.purge_queue(QueueUrl=url)
    foreign = f'{{"id": "{uuid.uuid4()}", "detail-type": "Other", "resources": ["arn:aws:ivs:x:1:channel/none"]}}'
    nul = f'{{"id": "\\u0000", "detail-type": "Other", "resources": ["{arn}"]}}'
    for body in ("garbage", "{}", "[1]", foreign, foreign, nul, '{"id": 5, "detail-type": null}', "x" * 200_000):
        await aws.sqs.send_message(QueueUrl=url, MessageBody=body)
    await aws.stream("start", arn)
    await shows(mentor, path, "streaming")

    async def waits() -> Any:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = (await aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names))["Attributes"]
        return sum(int(count) for count in counts.values())

    await eventually(waits, lambda count: count == 0)
