"""Recordings are watched from a private bucket by a URL that dies with its user's right, and go when it is time."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import asyncpg
import httpx
import pytest

from devstack import gateways, ports
from devstack.guard import Guard
from gateway.settings import environment
from ksmp_testkit import Caller, MakeGateway, MakeSettings, MakeToken, Running
from ksmp_testkit.answers import refused
from ksmp_testkit.socket_client import connected
from modules.live.access.playback_tokens import PlaybackKey, development_key
from modules.live.aws.s3 import Recorded
from modules.live.errors import Unplayable
from modules.live.module import LiveModule
from modules.live.recordings.hls import is_path, rewritten
from modules.live.recordings.recording_tokens import PURPOSE, RecordingTokens
from modules.live.sessions.repository import SessionRepository
from tests.devcloud.aws import Aws

BUCKET = "ksmp-recordings"
SESSIONS = "/api/v1/sessions"
ENVIRON = {
    "KSMP_LIVE_VIDEO": "ivs",
    "KSMP_LIVE_RECORDING_BUCKET": BUCKET,
    "KSMP_LIVE_RECORDING_KEPT": "0",
    "KSMP_LIVE_RECORDING_INTERVAL": "3600",
    "KSMP_LIVE_RECORDING_PLAYLIST_BYTES": "20000",
    "KSMP_LIVE_RECORDING_SIGNER": "AKREADER:secret",
    "KSMP_LIVE_RECORDING_LIFE": "7200",
    "KSMP_LIVE_PLAYBACK_LIFE": "300",
    "KSMP_LIVE_VIDEO_CLAIM": "2",
    "KSMP_LIVE_VIDEO_TIMEOUT": "2",
    "KSMP_LIVE_EVENTS_QUEUE": "nobody-hears",
}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
MASTER = """#EXTM3U
#EXT-X-VERSION:6
#EXT-X-SESSION-DATA:DATA-ID="com.example,URI=",VALUE="a class"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Audio, of all",DEFAULT=YES,URI="audio/playlist.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=2500000,RESOLUTION=1280x720,AUDIO="a"
720p30/playlist.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,AUDIO="a"\r
360p30/byte-range-variant.m3u8\r
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100000,URI="720p30/iframes.m3u8"
"""
HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-PLAYLIST-TYPE:VOD\n# a remark\n"
SEGMENTS = {
    f"media/hls/{path}": os.urandom(100)
    for path in (
        "720p30/init.mp4",
        "720p30/key.bin",
        *(f"720p30/{n}.ts" for n in range(5)),
        "audio/0.aac",
        "360p30/all.ts",
    )
}
PLAYLISTS = {
    "media/hls/master.m3u8": MASTER,
    "media/hls/720p30/playlist.m3u8": HEAD
    + '#EXT-X-MAP:URI="init.mp4"\n#EXT-X-KEY:METHOD=AES-128,URI="key.bin",IV=0x01\n'
    + "".join(f"#EXTINF:9.9,\n{n}.ts\n" for n in range(5))
    + "#EXT-X-ENDLIST\n",
    "media/hls/720p30/iframes.m3u8": HEAD + "#EXTINF:9.9,\n#EXT-X-BYTERANGE:10@0\n0.ts\n#EXT-X-ENDLIST\n",
    "media/hls/audio/playlist.m3u8": HEAD + "#EXTINF:9.9,\n0.aac\n\n#EXT-X-ENDLIST\n",
    "media/hls/360p30/byte-range-variant.m3u8": HEAD
    + "".join(f"#EXTINF:9.9,\n#EXT-X-BYTERANGE:25@{n * 25}\nall.ts\n" for n in range(4))
    + "#EXT-X-ENDLIST\n",
}


@dataclass(frozen=True)
class Class:
    """A session of `meera`'s that is over, with a recording."""

    session: str
    program: str
    recording: str
    prefix: str

    @property
    def path(self) -> str:
        return f"{SESSIONS}/{self.session}/recordings"

    @property
    def playback(self) -> str:
        return f"{self.path}/{self.recording}/playback"


@pytest.fixture(scope="module")
async def aws(devcloud: str) -> AsyncIterator[Aws]:
    clients = Aws(devcloud)
    await clients.open()
    id, _, secret = ENVIRON["KSMP_LIVE_RECORDING_SIGNER"].partition(":")
    await clients.drive("PUT", "access-keys", json={"id": id, "secret": secret})
    yield clients
    await clients.drive("DELETE", "faults")
    await clients.close()


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        async with gateway(
            environ=ENVIRON, aws_endpoint=devcloud, address_burst=100_000, request_burst=100_000
        ) as running:
            yield running


@pytest.fixture
async def lesson(aws: Aws, database: asyncpg.Pool) -> Class:
    return await recorded(aws, database)


async def recorded(
    aws: Aws,
    database: asyncpg.Pool,
    objects: dict[str, bytes] | None = None,
    *,
    of: Class | None = None,
    at: datetime | None = None,
) -> Class:
    """A class, or another recording of one, whose objects are laid out as IVS lays them out."""
    id = uuid.uuid4().hex
    program, session, recording = of.program if of else f"p-{id}", of.session if of else id, f"r{id[:11]}"
    prefix = f"ivs/v1/123456789012/{id[:12]}/2026/2/2/12/30/{recording}"
    await database.execute(
        "INSERT INTO program (id, title, mentor_id) VALUES ($1, 'A', 'meera') ON CONFLICT DO NOTHING", program
    )
    await database.execute(
        "INSERT INTO live_session (id, program_id, title, mentor_id, state, ended_at) "
        "VALUES ($1, $2, 'A', 'meera', 'ended', now()) ON CONFLICT DO NOTHING",
        session,
        program,
    )
    if objects is None:
        objects = {path: text.encode() for path, text in PLAYLISTS.items()} | SEGMENTS
        objects["media/latest_thumbnail/thumb.jpg"] = b"a picture"
    turns = asyncio.Semaphore(20)

    async def put(path: str, body: bytes) -> None:
        async with turns:
            await aws.s3.put_object(Bucket=BUCKET, Key=f"{prefix}/{path}", Body=body)

    await asyncio.gather(*(put(path, body) for path, body in objects.items()))
    await database.execute(
        "INSERT INTO live_recording (id, session_id, bucket, prefix, duration_ms, started_at) "
        "VALUES ($1, $2, $3, $4, 60000, $5)",
        recording,
        session,
        BUCKET,
        prefix,
        at or datetime.now(UTC),
    )
    return Class(session, program, recording, prefix)


async def enrol(database: asyncpg.Pool, program: str, user: str) -> None:
    await database.execute("INSERT INTO program_enrolment (program_id, user_id) VALUES ($1, $2)", program, user)


async def keys(aws: Aws, prefix: str) -> list[str]:
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [one["Key"] async for page in pages for one in page.get("Contents", ())]


async def eventually(read: Callable[[], Awaitable[Any]], wanted: Callable[[Any], Any]) -> Any:
    async with asyncio.timeout(30):
        while not wanted(found := await read()):
            await asyncio.sleep(0.05)
    return found


def uris(playlist: str) -> list[tuple[str, str]]:
    """The URIs of a playlist, each with the byte range that it is asked for."""
    found, span = [], ""
    for line in playlist.splitlines():
        if line.startswith("#EXT-X-BYTERANGE:"):
            length, _, start = line.partition(":")[2].partition("@")
            span = f"bytes={start}-{int(start) + int(length) - 1}"
        elif line.startswith("#EXT"):
            pairs = re.findall(r'([A-Z0-9-]+)=(?:"([^"]*)"|[^,]*)', line)
            found += [(value, "") for name, value in pairs if name == "URI"]
        elif line and not line.startswith("#"):
            found.append((line, span))
            span = ""
    return found


async def play(url: str) -> dict[str, bytes]:
    """What a player that knows nothing of us gets: the bytes of each object, by its path."""
    got: dict[str, bytes] = {}
    waiting, seen = [(url, "")], set()
    async with httpx.AsyncClient(timeout=30) as http:
        while waiting:
            address, span = waiting.pop(0)
            if (address, span) in seen:
                continue
            seen.add((address, span))
            answer = await http.get(address, headers={"Range": span} if span else {})
            assert answer.status_code == (206 if span else 200), (address, answer.text)
            if answer.headers["content-type"].startswith("application/vnd.apple.mpegurl"):
                assert answer.headers["cache-control"] == "no-store"
                waiting += [(urljoin(address, uri), span) for uri, span in uris(answer.text)]
            else:
                path = urlsplit(address).path
                got[path] = got.get(path, b"") + answer.content
    return got


async def test_a_player_plays_all_of_a_recording(
    caller: Caller, lesson: Class, database: asyncpg.Pool, devcloud: str
) -> None:
    await enrol(database, lesson.program, "asha")
    asha = caller("asha")
    answer = await asha.post(lesson.playback)
    assert answer.status_code == 200, answer.text
    replay = answer.json()
    left = datetime.fromisoformat(replay["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=7190) < left <= timedelta(seconds=7200)
    got = await play(replay["url"])
    # The ten bytes of the picture's track are of a segment that is played as well.
    first = f"/{BUCKET}/{lesson.prefix}/media/hls/720p30/0.ts"
    assert sorted(got.pop(first)) == sorted(SEGMENTS["media/hls/720p30/0.ts"] + SEGMENTS["media/hls/720p30/0.ts"][:10])
    expected = {f"/{BUCKET}/{lesson.prefix}/{path}": body for path, body in SEGMENTS.items()}
    expected.pop(first)
    assert got == expected

    # What S3 is asked for can be read for as long as the URL says, by the key that may read and no more.
    variant = urljoin(replay["url"], uris((await asha.get(replay["url"])).text)[1][0])
    content = (await asha.get(variant)).text
    signed = parse_qs(urlsplit(uris(content)[-1][0]).query)
    assert int(signed["X-Amz-Expires"][0]) == pytest.approx(left.total_seconds(), abs=60)
    assert signed["X-Amz-Credential"][0].startswith("AKREADER/")
    # All else is as it was written.
    assert [line for line in content.splitlines() if line.startswith("#") and "URI" not in line] == [
        line
        for line in PLAYLISTS["media/hls/720p30/playlist.m3u8"].splitlines()
        if line.startswith("#") and "URI" not in line
    ]
    (item,) = (await asha.get(lesson.path)).json()["items"]
    assert parse_qs(urlsplit(item["thumbnail_url"]).query)["X-Amz-Expires"] == ["300"]
    assert (await asha.get(item["thumbnail_url"])).content == b"a picture"


async def test_a_url_dies_with_the_right(caller: Caller, lesson: Class, aws: Aws, database: asyncpg.Pool) -> None:
    other = await recorded(aws, database, of=lesson)
    elsewhere = await recorded(aws, database)
    root, mentor, nobody = caller("root", "admin"), caller("meera", "mentor"), caller(None)
    people = [f"{name}-{lesson.session}" for name in ("blocked", "gone", "banned", "kicked", "asha")]
    students = {user.partition("-")[0]: caller(user) for user in people}
    for user in people:
        await enrol(database, lesson.program, user)
    demoted = caller(f"demoted-{lesson.session}", "admin")
    watching = {**students, "demoted": demoted, "meera": mentor}
    urls = {}
    for name, http in watching.items():
        answer = await http.post(lesson.playback)
        assert answer.status_code == 200, (name, answer.text)
        urls[name] = answer.json()["url"]
        assert (await nobody.get(urls[name])).status_code == 200
    stranger = caller("stranger")
    for method, path in (("GET", lesson.path), ("POST", lesson.playback)):
        refused(await stranger.request(method, path), 403, "forbidden")
        refused(await nobody.request(method, path), 401, "unauthenticated")
    refused(await stranger.delete(f"{lesson.path}/{lesson.recording}"), 403, "forbidden")
    refused(await students["asha"].delete(f"{lesson.path}/{lesson.recording}"), 403, "forbidden")

    # Each loses the right in another way.
    answer = await root.post(f"/api/v1/users/blocked-{lesson.session}/block", json={"reason": "Spam."})
    assert answer.status_code == 200, answer.text
    await database.execute("DELETE FROM program_enrolment WHERE user_id = $1", f"gone-{lesson.session}")
    for name, command in (("banned", {"cmd": "live.ban", "scope": "program"}), ("kicked", {"cmd": "live.kick"})):
        data = {"user": f"{name}-{lesson.session}", **{key: value for key, value in command.items() if key != "cmd"}}
        body = {"cmd": command["cmd"], "data": data, "nonce": name}
        answer = await mentor.post(f"/api/v1/rooms/session:{lesson.session}/commands", json=body)
        assert answer.status_code == 200, answer.text
    demotion = "UPDATE account_user SET role = 'student' WHERE id = $1"
    await database.execute(demotion, f"demoted-{lesson.session}")
    for name in ("blocked", "gone", "banned", "kicked", "demoted"):
        answer = await nobody.get(urls[name])
        assert answer.status_code == 404, (name, answer.text)
        if name != "demoted":
            # Of that one the token says otherwise, for as long as it is remembered.
            answer = await watching[name].post(lesson.playback)
            assert answer.status_code in (401, 403), (name, answer.text)
    for name in ("asha", "meera"):
        assert (await nobody.get(urls[name])).status_code == 200

    # A playback token is for one recording, and nobody else can make one.
    url = urls["asha"]
    token = parse_qs(urlsplit(url).query)["token"][0]
    key = PlaybackKey(development_key(), life=60.0, origins=())
    asha = f"asha-{lesson.session}"
    head, claims, signature = token.split(".")
    bad = {
        "of another recording": RecordingTokens(key.secret(PURPOSE), 60.0).issue(asha, other.recording)[1],
        "of nobody": RecordingTokens(key.secret(PURPOSE), 60.0).issue("who-never-came", lesson.recording)[1],
        "expired": RecordingTokens(key.secret(PURPOSE), -1.0).issue(asha, lesson.recording)[1],
        "by another secret": RecordingTokens(b"x" * 32, 60.0).issue(asha, lesson.recording)[1],
        "for another purpose": RecordingTokens(key.secret("another"), 60.0).issue(asha, lesson.recording)[1],
        "tampered with": f"{head}.{claims}.{signature[:-4]}AAAA",
        "unsigned": f"eyJhbGciOiJub25lIn0.{claims}.x",
        "of live playback": key.grant(asha, "arn", "url").token,
    }
    for what, forged in bad.items():
        answer = await nobody.get(url.replace(token, forged))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), what
    good = await nobody.get(
        url.replace(token, RecordingTokens(key.secret(PURPOSE), 60.0).issue(asha, lesson.recording)[1])
    )
    assert good.status_code == 200
    # The same token at another recording's address, and at another session's.
    for wrong in (
        url.replace(lesson.recording, other.recording),
        url.replace(lesson.session, elsewhere.session),
        url.replace(lesson.session, elsewhere.session).replace(lesson.recording, elsewhere.recording),
    ):
        refused(await nobody.get(wrong), 404, "not_found")
    up = f"../{other.recording}/media/hls/master.m3u8"
    for path in (
        up,
        f"media/hls/../../{up}",
        f"/{other.prefix}/media/hls/master.m3u8",
        f"{other.prefix}/media/hls/master.m3u8",
        "media/hls/720p30/%2e%2e/master.m3u8",
        "media//hls/master.m3u8",
        "./media/hls/master.m3u8",
        "https://evil.test/master.m3u8",
        "//evil.test/master.m3u8",
        "media/hls/master.m3u8?x=.m3u8",
        "media\\hls\\master.m3u8",
        "media/hls/master.m3u8\n",
        "events/recording-ended.json",
        "media/hls/720p30/0.ts",
        "media/hls/none.m3u8",
    ):
        answer = await nobody.get(url, params={"token": token, "path": path})
        assert answer.status_code in (400, 404), (path, answer.text)
    ok = await nobody.get(url, params={"token": token, "path": "media/hls/720p30/playlist.m3u8"})
    assert ok.status_code == 200

    # What is deleted is gone for everybody at once.
    assert (await mentor.delete(f"{lesson.path}/{lesson.recording}")).status_code == 204
    refused(await nobody.get(url), 404, "not_found")
    refused(await students["asha"].post(lesson.playback), 404, "not_found")
    refused(await mentor.delete(f"{lesson.path}/{lesson.recording}"), 404, "not_found")
    assert [one["id"] for one in (await students["asha"].get(lesson.path)).json()["items"]] == [other.recording]
    await eventually(lambda: keys(aws, lesson.prefix), lambda found: not found)
    assert len(await keys(aws, other.prefix)) == len(PLAYLISTS) + len(SEGMENTS) + 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not a playlist",
        "#EXTM3U\n../../other/media/hls/0.ts\n",
        "#EXTM3U\n/ivs/v1/0.ts\n",
        "#EXTM3U\nhttps://evil.test/0.ts\n",
        "#EXTM3U\n//evil.test/0.ts\n",
        "#EXTM3U\n0.ts?x=1\n",
        "#EXTM3U\n%2e%2e/0.ts\n",
        "#EXTM3U\n{$secret}.ts\n",
        "#EXTM3U\n..\\0.ts\n",
        '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="https://evil.test/key"\n0.ts\n',
        '#EXTM3U\n#EXT-X-MAP:URI="../../init.mp4"\n0.ts\n',
        "#EXTM3U\n#EXT-X-MAP:URI=init.mp4\n0.ts\n",
        '#EXTM3U\n#EXT-X-DATERANGE:ID="x",X-ASSET-URI="https://evil.test/ad.m3u8"\n0.ts\n',
        "#EXTM3U\n" + "#EXTINF:9.9,\n0.ts\n" * 2000,
    ],
)
async def test_what_is_no_playlist_of_a_recording_is_not_shown(
    caller: Caller, lesson: Class, aws: Aws, content: str
) -> None:
    url = (await caller("meera", "mentor").post(lesson.playback)).json()["url"]
    await aws.s3.put_object(Bucket=BUCKET, Key=f"{lesson.prefix}/media/hls/master.m3u8", Body=content.encode())
    refused(await caller(None).get(url), 409, "live.unplayable")


def test_names_that_could_lead_elsewhere() -> None:
    for good in ("0.ts", "media/hls/720p30/playlist.m3u8", "a-b_c.d.e"):
        assert is_path(good)
    for bad in (
        "",
        ".",
        "..",
        "a/..",
        "a/../b",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a b",
        "a:b",
        "a?b",
        "a#b",
        "a%2fb",
        "a\n",
        "ä",
    ):
        assert not is_path(bad), bad
    assert not is_path("a/" * 300 + "a")
    with pytest.raises(Unplayable):
        rewritten(b"#EXTM3U\n\xff", "a/b.m3u8", str)


async def test_what_was_kept_long_enough_goes_whoever_is_killed(
    node: Running,
    caller: Caller,
    token: MakeToken,
    aws: Aws,
    database: asyncpg.Pool,
    settings: MakeSettings,
    tmp_path: Path,
    servers_guard: Guard,
    devcloud: str,
) -> None:
    hour = timedelta(hours=1)
    # More than is deleted at once.
    objects = {f"media/hls/720p30/{number}.ts": b"" for number in range(10)}
    old = await recorded(aws, database, objects, at=datetime.now(UTC) - 3 * hour)
    new = await recorded(aws, database, {"media/hls/master.m3u8": b"#EXTM3U"}, of=old, at=datetime.now(UTC) - hour)
    port = ports.choose([])
    kept = {"KSMP_LIVE_RECORDING_KEPT": "7200", "KSMP_LIVE_RECORDING_INTERVAL": "0.2", "KSMP_LIVE_RECORDING_PAGE": "4"}
    process = gateways.Gateway(
        1,
        port,
        command=gateways.COMMAND,
        variables=environment(settings(port=port, aws_endpoint=devcloud)) | ENVIRON | CREDENTIALS | kept,
        folder=tmp_path,
        guard=servers_guard,
        report=print,
    )
    room = f"session:{old.session}"
    async with connected(node.ws_url, token("meera", "mentor")) as meera:
        await meera.join(room)
        # The answer to the first page's deletion does not come.
        await aws.faults(operations={"s3.POST": {"hang": 20.0, "when": "after"}})
        try:
            await process.start()
            gone = (await meera.expect_push("live.recording_gone", room))["data"]
            assert (gone["id"], gone["session_id"], gone["rev"]) == (old.recording, old.session, 2)
            await eventually(lambda: keys(aws, old.prefix), lambda found: len(found) < 10)
            killed = process.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            erased = "SELECT erased_at FROM live_recording WHERE id = $1"
            assert await database.fetchval(erased, old.recording) is None
            assert await keys(aws, old.prefix)
            await aws.drive("DELETE", "faults")
            # Its supervisor starts another one.
            await eventually(lambda: database.fetchval(erased, old.recording), lambda at: at is not None)
            assert process.pid != killed
        finally:
            await aws.drive("DELETE", "faults")
            await process.stop()
    assert await keys(aws, old.prefix) == []
    assert len(await keys(aws, new.prefix)) == 1
    mentor = caller("meera", "mentor")
    assert [one["id"] for one in (await mentor.get(old.path)).json()["items"]] == [new.recording]
    refused(await mentor.post(old.playback), 404, "not_found")
    facts = "SELECT count(*) FROM outbox WHERE destination = 'live.RecordingGone' AND body ->> 'recording_id' = $1"
    assert await database.fetchval(facts, old.recording) == 1

    # Whoever looks into the bucket late does not bring it back.
    found = Recorded(old.prefix, datetime.now(UTC), 60_000, "media/hls/master.m3u8")
    session = await SessionRepository(node.gateway.database).find(old.session)
    assert session is not None
    async with node.gateway.database.transaction():
        await node.module(LiveModule).recordings.recordings.add(session, BUCKET, found)
    assert [one["id"] for one in (await mentor.get(old.path)).json()["items"]] == [new.recording]
