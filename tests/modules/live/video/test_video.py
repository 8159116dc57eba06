"""The video of sessions, against the stand-in for AWS: made once, looked after, and away without harm to the room."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import jwt
import pytest

from devstack.guard import Guard
from gateway.settings import SettingsError
from ksmp_testkit import MakeGateway, MakeSettings, MakeToken, Running
from ksmp_testkit.answers import refused
from ksmp_testkit.socket_client import WireError, connected
from modules.live.access.playback_tokens import PlaybackKey, development_key, private_key, viewer_id
from modules.live.module import LiveModule
from tests.devcloud.aws import Aws
from tests.target import Target, targeted

SESSIONS = "/api/v1/sessions"
ENVIRON = {
    "KSMP_LIVE_VIDEO": "ivs",
    "KSMP_LIVE_ATTENDANCE_INTERVAL": "0.5",
    "KSMP_LIVE_VIDEO_INTERVAL": "0.1",
    "KSMP_LIVE_VIDEO_RECONCILE": "0.3",
    "KSMP_LIVE_VIDEO_BACKOFF": "0.1",
    "KSMP_LIVE_VIDEO_BACKOFF_MOST": "0.2",
    "KSMP_LIVE_VIDEO_TIMEOUT": "2",
    "KSMP_LIVE_VIDEO_CLAIM": "10",
    "KSMP_LIVE_VIDEO_WORKERS": "2",
    "KSMP_LIVE_VIDEO_FAILURES": "1000",
    "KSMP_LIVE_VIDEO_PAUSE": "0.1",
    "KSMP_LIVE_LOST_WARNING": "0.5",
    "KSMP_LIVE_LOST_END": "2",
    "KSMP_LIVE_EVENTS_QUEUE": "ksmp-ivs-events",
    "KSMP_LIVE_PLAYBACK_LIFE": "300",
    "KSMP_LIVE_PLAYBACK_ORIGINS": "https://app.test,https://www.test",
    "KSMP_LIVE_PUBLIC_URL": "https://ksmp.test",
    "KSMP_LIVE_RECORDING_BUCKET": "ksmp-recordings",
    "KSMP_LIVE_RECORDING_THUMBNAILS": "30",
    "KSMP_LIVE_RECORDING_WINDOW": "0",
    "KSMP_LIVE_RECORDING_WAIT": "60",
}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
Caller = Callable[..., httpx.AsyncClient]
Nodes = tuple[Running, Target]


@pytest.fixture(scope="module")
async def aws(devcloud: str) -> AsyncIterator[Aws]:
    clients = Aws(devcloud)
    await clients.open()
    yield clients
    await clients.drive("DELETE", "faults")
    await clients.close()


@pytest.fixture(scope="module")
async def nodes(
    gateway: MakeGateway,
    settings: MakeSettings,
    tmp_path_factory: pytest.TempPathFactory,
    servers_guard: Guard,
    devcloud: str,
    aws: Aws,
) -> AsyncIterator[tuple[Running, Target]]:
    """Two gateways that both see to videos, one of them in a process of its own."""
    values: dict[str, Any] = {"aws_endpoint": devcloud, "address_burst": 100_000, "request_burst": 100_000}
    folder = tmp_path_factory.mktemp("other")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        async with (
            gateway(environ=ENVIRON, **values) as one,
            targeted(settings, folder, servers_guard, ENVIRON | CREDENTIALS, **values) as other,
        ):
            yield one, other


@pytest.fixture
async def no_faults(aws: Aws) -> AsyncIterator[None]:
    yield
    await aws.drive("DELETE", "faults")


@pytest.fixture
async def caller(nodes: Nodes, token: MakeToken) -> AsyncIterator[Caller]:
    async with AsyncExitStack() as stack:

        def make(user: str, role: str = "student", node: int = 0) -> httpx.AsyncClient:
            headers = {"Authorization": f"Bearer {token(user, role)}"}
            client = httpx.AsyncClient(base_url=nodes[node].url, headers=headers, timeout=30)
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
async def path(caller: Caller, database: asyncpg.Pool) -> str:
    """The path of a session in its lobby, which is open to everyone; its mentor is `meera`."""
    return await waiting(caller("meera", "mentor"), database)


async def waiting(mentor: httpx.AsyncClient, database: asyncpg.Pool, **values: Any) -> str:
    program = uuid.uuid4().hex
    await database.execute("INSERT INTO program (id, title, mentor_id) VALUES ($1, 'Algebra', 'meera')", program)
    now = datetime.now(UTC)
    body = {
        "program_id": program,
        "title": "Roots",
        "visibility": "open",
        "starts_at": (now + timedelta(hours=1)).isoformat(),
        "ends_at": (now + timedelta(hours=2)).isoformat(),
    }
    answer = await mentor.post(f"{SESSIONS}/", json=body | values)
    assert answer.status_code == 201, answer.text
    path: str = answer.headers["location"]
    assert (await mentor.post(f"{path}/open")).status_code == 200
    return path


def id_of(path: str) -> str:
    return path.rsplit("/", 1)[1]


async def eventually(read: Callable[[], Awaitable[Any]], wanted: Callable[[Any], Any]) -> Any:
    async with asyncio.timeout(20):
        while not wanted(found := await read()):
            await asyncio.sleep(0.05)
    return found


async def shows(client: httpx.AsyncClient, path: str, video: str) -> Any:
    async def read() -> Any:
        return (await client.get(path)).json()

    return await eventually(read, lambda session: session["video"] == video)


async def started(mentor: httpx.AsyncClient, path: str) -> None:
    answer = await mentor.post(f"{path}/start")
    assert (answer.status_code, answer.json()["video"]) == (200, "starting"), answer.text
    await shows(mentor, path, "ready")


async def arn_of(aws: Aws, path: str) -> str:
    """The channel of a session; there must be one."""
    found = (await aws.ivs.list_channels(filterByName=f"ksmp-{id_of(path)}"))["channels"]
    assert len(found) == 1, found
    arn: str = found[0]["arn"]
    return arn


async def test_starts_at_two_gateways_make_one_channel_with_private_playback(
    caller: Caller, path: str, aws: Aws
) -> None:
    mentors = [caller("meera", "mentor", node) for node in (0, 1)]
    answers = await asyncio.gather(*(mentor.post(f"{path}/start") for mentor in mentors * 3))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 5]
    await shows(mentors[1], path, "ready")
    arn = await arn_of(aws, path)
    channel = (await aws.ivs.get_channel(arn=arn))["channel"]
    assert (channel["type"], channel["latencyMode"], channel["authorized"]) == ("STANDARD", "LOW", True)
    await aws.stream("start", arn)
    await shows(mentors[0], path, "streaming")
    joined = (await caller("sam", node=1).post(f"{path}/join")).json()
    assert (joined["room"], joined["role"]) == (f"session:{id_of(path)}", "viewer")
    assert (joined["socket_url"], joined["recorded"]) == ("wss://ksmp.test/realtime", False)
    playback = joined["playback"]
    claims = jwt.decode(playback["token"], development_key().public_key(), algorithms=["ES384"])
    assert (claims["aws:channel-arn"], claims["aws:viewer-id"]) == (arn, "sam")
    assert claims["aws:access-control-allow-origin"] == "https://app.test,https://www.test"
    assert 200 < claims["exp"] - datetime.now(UTC).timestamp() <= 301
    headers = {"Origin": "https://app.test"}
    watched = await aws.http.get(playback["url"], params={"token": playback["token"]}, headers=headers)
    assert watched.status_code == 200
    assert (await aws.http.get(playback["url"], params={"token": "x"}, headers=headers)).status_code == 403
    assert (await mentors[0].post(f"{path}/end")).json()["video"] == "off"

    async def channels() -> Any:
        return (await aws.ivs.list_channels(filterByName=f"ksmp-{id_of(path)}"))["channels"]

    await eventually(channels, lambda found: found == [])


@pytest.mark.parametrize(
    "fault",
    [
        {"error": "ThrottlingException"},
        {"error": "InternalServerException"},
        {"error": "InternalServerException", "when": "after", "times": 1},
        {"hang": 30.0, "times": 1},
    ],
    ids=["throttled", "down", "answer lost", "hangs"],
)
async def test_a_class_goes_on_while_ivs_does_not(
    caller: Caller, path: str, aws: Aws, nodes: Nodes, token: MakeToken, fault: Any, no_faults: None
) -> None:
    mentor, room = caller("meera", "mentor"), f"session:{id_of(path)}"
    await aws.faults(operations={"ivs.CreateChannel": fault})
    async with connected(nodes[1].ws_url, token("sam")) as sam:
        await sam.join(room)
        answer = await mentor.post(f"{path}/start")
        assert (answer.status_code, answer.json()["video"]) == (200, "starting")
        push = await sam.expect(lambda one: one.get("push") == "live.session" and one["data"]["state"] == "live")
        assert push["data"]["video"] == "starting"
        await sam.say(room, "is there a picture?")
        if "times" not in fault:
            for answer in (await mentor.get(f"{path}/ingest"), await mentor.post(f"{path}/stream/stop")):
                refused(answer, 409, "live.no_channel")
                assert (answer.json()["temporary"], answer.headers["retry-after"]) == (True, "1")
            assert (await sam.call("live.playback", room=room, data={}))["playback"] is None
            await asyncio.sleep(0.5)
            await aws.drive("DELETE", "faults")
        await sam.expect(lambda one: one.get("push") == "live.session" and one["data"]["video"] == "ready")
        assert (await sam.call("live.playback", room=room, data={}))["playback"]["token"]
    await arn_of(aws, path)


async def test_a_stream_that_drops_is_told_warned_of_and_ended(
    caller: Caller,
    path: str,
    aws: Aws,
    nodes: Nodes,
    token: MakeToken,
    database: asyncpg.Pool,
    no_faults: None,
) -> None:
    # Not one event arrives: looking at the streams is enough.
    await aws.faults(events={"lose": 1.0, "seed": 1})
    mentor, room, staff = caller("meera", "mentor"), f"session:{id_of(path)}", f"staff:{id_of(path)}"
    async with (
        connected(nodes[0].ws_url, token("sam")) as sam,
        connected(nodes[1].ws_url, token("meera", "mentor")) as meera,
    ):
        await sam.join(room)
        await meera.join(staff)
        await started(mentor, path)
        arn = await arn_of(aws, path)
        await aws.stream("start", arn)
        seen = await sam.expect(lambda one: one.get("push") == "live.session" and one["data"]["video"] == "streaming")
        await aws.drive("POST", "streams/health", json={"arn": arn, "health": "STARVING"})
        starving = await meera.expect_push("live.stream", staff)
        assert (starving["data"]["trouble"], starving["data"]["session_id"]) == ("starving", id_of(path))
        stream = (await mentor.get(f"{path}/stream")).json()
        assert (stream["health"], stream["starvations"], stream["height"]) == ("STARVING", 1, 1080)
        assert stream["bitrate"] > 0
        await aws.drive("POST", "streams/health", json={"arn": arn, "health": "HEALTHY"})
        assert (await meera.expect_push("live.stream", staff))["data"]["trouble"] == "recovered"
        await aws.stream("stop", arn)
        lost = await sam.expect(lambda one: one.get("push") == "live.session" and one["data"]["video"] == "lost")
        assert lost["data"]["rev"] > seen["data"]["rev"]
        assert (await meera.expect_push("live.stream", staff))["data"]["trouble"] == "gone"
        # Back in time it goes on.
        await aws.stream("start", arn)
        await sam.expect(
            lambda one: one.get("push") == "live.session" and one["data"]["rev"] == lost["data"]["rev"] + 1
        )
        await aws.stream("stop", arn)
        await sam.expect(lambda one: one.get("push") == "live.session" and one["data"]["state"] == "ended")
    figures = "SELECT body -> 'figures' ->> 'stream' FROM outbox WHERE destination = $1 AND body ->> 'session_id' = $2"
    stream = json.loads(
        await eventually(lambda: database.fetchval(figures, "live.SessionEnded", id_of(path)), lambda found: found)
    )
    assert (stream["losses"], stream["starvations"]) == (2, 1)
    assert 0 < stream["lost_seconds"] < 60


async def test_events_that_come_twice_and_out_of_order_do_no_harm(
    caller: Caller, path: str, aws: Aws, database: asyncpg.Pool, no_faults: None
) -> None:
    await aws.faults(events={"repeat": 1.0, "reorder": 0.5, "delay": 0.5, "delay_seconds": 0.2, "seed": 3})
    mentor = caller("meera", "mentor")
    await started(mentor, path)
    arn = await arn_of(aws, path)
    await aws.stream("start", arn)
    await shows(mentor, path, "streaming")
    events = [one["id"] for one in await aws.happened(arn)]
    handled = "SELECT count(*) FROM live_video_event WHERE id = ANY($1)"
    await eventually(lambda: database.fetchval(handled, events), lambda count: count == len(events) > 0)
    assert (await mentor.get(path)).json()["video"] == "streaming"


async def test_a_stream_key_is_the_mentor_s_alone(caller: Caller, path: str, aws: Aws) -> None:
    mentor = caller("meera", "mentor")
    early = await mentor.get(f"{path}/ingest")
    refused(early, 409, "live.no_channel")
    assert early.json()["temporary"] is False
    await started(mentor, path)
    for nobody in (caller("root", "admin"), caller("otto", "mentor"), caller("sam")):
        refused(await nobody.get(f"{path}/ingest"), 403, "forbidden")
        refused(await nobody.post(f"{path}/ingest/rotate"), 403, "forbidden")
    for nobody in (caller("otto", "mentor"), caller("sam")):
        for method, place in (("GET", "stream"), ("GET", "checks"), ("POST", "stream/stop")):
            refused(await nobody.request(method, f"{path}/{place}"), 403, "forbidden")
    arn = await arn_of(aws, path)
    ingest = (await mentor.get(f"{path}/ingest")).json()
    channel = (await aws.ivs.get_channel(arn=arn))["channel"]
    assert ingest["server"] == f"rtmps://{channel['ingestEndpoint']}:443/app/"
    rotated = (await mentor.post(f"{path}/ingest/rotate")).json()
    assert rotated["stream_key"] != ingest["stream_key"]
    keys = (await aws.ivs.list_stream_keys(channelArn=arn))["streamKeys"]
    values = [(await aws.ivs.get_stream_key(arn=key["arn"]))["streamKey"]["value"] for key in keys]
    assert values == [rotated["stream_key"]]
    assert (await mentor.get(f"{path}/ingest")).json() == rotated
    await aws.stream("start", arn)
    await shows(mentor, path, "streaming")
    checks = {one["name"]: one["ok"] for one in (await mentor.get(f"{path}/checks")).json()["checks"]}
    assert checks.pop("mentor_in_room") is False
    assert set(checks.values()) == {True}
    assert (await mentor.post(f"{path}/stream/stop")).status_code == 204
    await shows(mentor, path, "lost")


async def test_who_was_taken_out_sees_no_more(
    caller: Caller, path: str, aws: Aws, nodes: Nodes, token: MakeToken, no_faults: None
) -> None:
    mentor, room = caller("meera", "mentor"), f"session:{id_of(path)}"
    await started(mentor, path)
    arn = await arn_of(aws, path)
    await aws.stream("start", arn)
    async with (
        connected(nodes[0].ws_url, token("sam")) as sam,
        connected(nodes[0].ws_url, token("meera", "mentor")) as meera,
    ):
        await meera.join(room)
        await sam.join(room)
        playback = (await sam.call("live.playback", room=room, data={}))["playback"]
        query, headers = {"token": playback["token"]}, {"Origin": "https://app.test"}
        assert (await aws.http.get(playback["url"], params=query, headers=headers)).status_code == 200
        # IVS does not answer for longer than the SDK tries.
        fault = {"error": "InternalServerException", "times": 4}
        await aws.faults(operations={"ivs.StartViewerSessionRevocation": fault})
        await meera.call("live.kick", room=room, data={"user": "sam"})
        await sam.expect_push("left", room)
        with pytest.raises(WireError) as caught:
            await sam.call("live.playback", room=room, data={})
        assert caught.value.code in ("forbidden", "not_joined")
    refused(await caller("sam").post(f"{path}/join"), 403, "forbidden")

    async def watched() -> int:
        return (await aws.http.get(playback["url"], params=query, headers=headers)).status_code

    await eventually(watched, lambda status: status == 403)
    await nodes[0].module(LiveModule).video.listeners.video.put_metadata(id_of(path), "hello")

    async def metadata() -> Any:
        return await aws.drive("GET", "metadata", params={"arn": arn})

    await eventually(metadata, lambda found: "hello" in str(found))


async def test_a_recording_is_found_without_any_event_and_deleted_for_good(
    caller: Caller, aws: Aws, database: asyncpg.Pool, nodes: Nodes, token: MakeToken, no_faults: None
) -> None:
    await aws.faults(events={"lose": 1.0, "seed": 1})
    mentor, sam = caller("meera", "mentor"), caller("sam")
    path = await waiting(mentor, database, recording=True)
    room = f"session:{id_of(path)}"
    async with connected(nodes[1].ws_url, token("sam")) as member:
        await member.join(room)
        await started(mentor, path)
        await aws.stream("start", await arn_of(aws, path))
        await shows(mentor, path, "streaming")
        assert (await sam.post(f"{path}/join")).json()["recorded"] is True
        assert (await mentor.post(f"{path}/end")).status_code == 200
        notice = (await member.expect_push("live.recording", room))["data"]
    (found,) = (await sam.get(f"{path}/recordings")).json()["items"]
    assert (found["id"], found["duration_ms"]) == (notice["id"], notice["duration_ms"])
    assert (await aws.http.get(found["thumbnail_url"])).status_code == 200
    replay = (await sam.post(f"{path}/recordings/{found['id']}/playback")).json()
    assert replay["url"].startswith("https://ksmp.test/api/v1/sessions/")
    assert "720p30/playlist.m3u8" in (await sam.get(replay["url"].removeprefix("https://ksmp.test"))).text
    refused(await sam.delete(f"{path}/recordings/{found['id']}"), 403, "forbidden")
    prefix = await database.fetchval("SELECT prefix FROM live_recording WHERE id = $1", found["id"])
    assert any(key.startswith(prefix) for key in await aws.keys("ksmp-recordings"))
    assert (await mentor.delete(f"{path}/recordings/{found['id']}")).status_code == 204
    await eventually(lambda: aws.keys("ksmp-recordings"), lambda keys: not any(key.startswith(prefix) for key in keys))
    assert (await sam.get(f"{path}/recordings")).json()["items"] == []
    refused(await mentor.delete(f"{path}/recordings/{found['id']}"), 404, "not_found")


def test_a_playback_key_that_is_none_is_not_shown() -> None:
    with pytest.raises(SettingsError, match="KSMP_LIVE_PLAYBACK_KEY") as caught:
        private_key("hunter2")
    assert "hunter2" not in str(caught.value)
    key = PlaybackKey(development_key(), life=60.0, origins=())
    assert key.public_key.startswith("-----BEGIN PUBLIC KEY-----")
    assert viewer_id("sam") == "sam"
    assert len(viewer_id("s" * 64)) == 40
