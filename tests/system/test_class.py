"""One whole class on two gateways and the stand-in for AWS, from its planning to its report.

`uv run pytest -n 0 -s tests/system/test_class.py` prints a line for each act.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg
import httpx
import pytest

from gateway.principal import Role
from ksmp_testkit.socket_client import Message, WireClient, WireError, connected
from tests.devcloud.aws import Aws
from tests.modules.live.video.test_video import CREDENTIALS, ENVIRON
from tests.system.cluster import Cluster, running
from tests.system.fleet import read_log
from tests.system.student import Student
from tests.system.test_attendance import truth

T = TypeVar("T")
STUDENTS = 200
MESSAGES = 100
# Nobody is away for so long: test_attendance.py has those who are.
GAP, INTERVAL, SLACK = 30.0, 1.0, 2.0
# Seconds before its beginning: the program is reminded, and its lobby opens by itself.
REMIND, LOBBY, AHEAD = 7, 6, 8.0
EXTRA = ENVIRON | {
    "KSMP_ADDRESS_BURST": "100000",
    "KSMP_REQUEST_BURST": "100000",
    "KSMP_LIVE_REMIND_BEFORE": str(REMIND),
    "KSMP_LIVE_LOBBY_BEFORE": str(LOBBY),
    "KSMP_LIVE_ATTENDANCE_INTERVAL": str(INTERVAL),
    "KSMP_LIVE_ATTENDANCE_GAP": str(GAP),
    "KSMP_LIVE_LOST_END": "600",
}
ENDED = """
    SELECT body FROM outbox
    WHERE kind = 'event' AND destination = 'live.SessionEnded' AND body ->> 'session_id' = $1
"""
# Half of what happens is lost; the rest comes late, twice, and in another order.
BAD_NEWS = {"lose": 0.5, "repeat": 0.5, "delay": 0.5, "delay_seconds": 1, "reorder": 0.5, "seed": 7}


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory, devcloud: str) -> AsyncIterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        # What other tests left there has settings of its own, and would be found by its name.
        async with httpx.AsyncClient(base_url=devcloud, trust_env=False) as http:
            assert (await http.delete("/_devcloud/state")).status_code == 200
        extra = EXTRA | {"KSMP_AWS_ENDPOINT": devcloud}
        async with running(tmp_path_factory.mktemp("class"), extra=extra) as cluster:
            yield cluster


@pytest.fixture
async def aws(devcloud: str) -> AsyncIterator[Aws]:
    clients = Aws(devcloud)
    await clients.open()
    yield clients
    await clients.drive("DELETE", "faults")
    await clients.close()


class ClassDay:
    """What all acts of the class share. Its mentor is on the second gateway, the first is the one that dies."""

    def __init__(self, cluster: Cluster, aws: Aws, database: asyncpg.Pool, stack: AsyncExitStack) -> None:
        self.cluster = cluster
        self.aws = aws
        self.database = database
        self.stack = stack
        self.over = asyncio.Event()
        self.students: list[Student] = []
        self.attending: list[asyncio.Task[None]] = []
        self.program = uuid.uuid4().hex
        self.acked: dict[int, str] = {}
        # Who was in the room before the class began, until then.
        self.early: dict[str, tuple[float, float]] = {}
        self._acts = time.monotonic()

    def token(self, user: str, role: Role = Role.STUDENT) -> str:
        return self.cluster.issuer.token(user, name=user.capitalize(), role=role, ttl=3600)

    def caller(self, user: str, role: Role = Role.STUDENT, gateway: int = 1) -> httpx.AsyncClient:
        base = self.cluster.urls[gateway].replace("ws://", "http://").removesuffix("/realtime")
        headers = {"Authorization": f"Bearer {self.token(user, role)}"}
        client = httpx.AsyncClient(base_url=base, headers=headers, timeout=30, trust_env=False)
        self.stack.push_async_callback(client.aclose)
        return client

    async def client(self, user: str, role: Role = Role.STUDENT, gateway: int = 1) -> WireClient:
        return await self.stack.enter_async_context(connected(self.cluster.urls[gateway], self.token(user, role)))

    def act(self, what: str) -> None:
        now = time.monotonic()
        print(f"  {now - self._acts:5.1f} s  {what}")
        self._acts = now

    async def schedule(self) -> None:
        """A mentor plans the class; 200 students have a place in its program."""
        await self.database.execute(
            "INSERT INTO program (id, title, mentor_id) VALUES ($1, 'Algebra', 'meera')", self.program
        )
        await self.database.execute(
            "INSERT INTO program_enrolment (program_id, user_id) SELECT $1, 'student-' || number"
            " FROM generate_series(0, $2 - 1) AS number",
            self.program,
            STUDENTS,
        )
        self.mentor = self.caller("meera", Role.MENTOR)
        self.meera = await self.client("meera", Role.MENTOR)
        await self.meera.join(f"program:{self.program}")
        starts_at = datetime.now(UTC) + timedelta(seconds=AHEAD)
        plan = {
            "program_id": self.program,
            "title": "Roots",
            "mode": "interactive",
            "recording": True,
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(hours=1)).isoformat(),
        }
        answer = await self.mentor.post("/api/v1/sessions/", json=plan)
        assert answer.status_code == 201, answer.text
        self.path: str = answer.headers["location"]
        self.id = self.path.rsplit("/", 1)[1]
        self.room, self.staff, self.lobby = (f"{kind}:{self.id}" for kind in ("session", "staff", "lobby"))
        assert (await self.caller("student-0").get(self.path)).json()["state"] == "scheduled"
        assert (await self.caller("eve").post(f"{self.path}/join")).status_code == 403
        self.act(f"scheduled, with {STUDENTS} in its program")

    async def remind_and_open(self) -> None:
        """Both come by themselves, once, whichever gateway sees to it."""
        reminder = await self.meera.expect_push("live.reminder", f"program:{self.program}")
        assert (reminder["data"]["session_id"], reminder["data"]["ahead"]) == (self.id, REMIND)
        opened = await self.meera.expect(
            lambda one: one.get("push") == "live.session" and one["data"]["state"] == "lobby"
        )
        assert opened["data"]["id"] == self.id
        await self.meera.join(self.room)
        await self.meera.join(self.staff)
        self.act("reminded, and its lobby opened by itself")

    async def wait_in_the_lobby(self) -> None:
        """Three knock, on both gateways; one is let in by name, the others with all."""
        await self.do("live.configure", lobby=True)
        guests = [await self.client(f"student-{number}", gateway=number % 2) for number in range(3)]
        for guest in guests:
            with pytest.raises(WireError) as caught:
                await guest.join(self.room)
            assert caught.value.code == "live.lobby"
            await guest.join(self.lobby)
            await guest.call("live.knock", room=self.lobby, nonce="knock", data={})
            await self.meera.expect_push("live.guests_changed", self.staff)
        await self.do("live.admit", user="student-0")
        assert (await guests[2].expect_push("live.admitted", self.lobby))["data"]["users"] == ["student-0"]
        begun = time.time()
        await guests[0].join(self.room)
        await self.do("live.admit_all")
        assert (await guests[0].expect_push("live.admitted", self.lobby))["data"]["users"] == ["student-0"]
        assert (await guests[0].expect_push("live.admitted", self.lobby))["data"]["users"] == ["student-1", "student-2"]
        await guests[2].join(self.room)
        await self.do("live.configure", lobby=False)
        for guest in guests:
            await guest.socket.close()
        self.early = dict.fromkeys(("student-0", "student-2"), (begun, time.time()))
        self.act("three waited in the lobby and were admitted")

    async def go_live(self) -> None:
        """Everyone joins in one call; the mentor goes on stage, and its mix is what they watch."""
        assert (await self.mentor.post(f"{self.path}/start")).status_code == 200
        told = await self.meera.expect(
            lambda one: one.get("push") == "live.recording_notice" or one.get("data", {}).get("state") == "live"
        )
        assert told["push"] == "live.recording_notice", "they hear of the recording before it starts"
        await self.shows("ready")
        at_once = asyncio.Semaphore(20)
        callers = [[self.caller("", gateway=gateway) for _ in range(2)] for gateway in range(2)]
        took: list[float] = []

        async def join(number: int) -> Message:
            headers = {"Authorization": f"Bearer {self.token(f'student-{number}')}"}
            async with at_once:
                begun = time.monotonic()
                answer = await callers[number % 2][number % 4 // 2].post(f"{self.path}/join", headers=headers)
                took.append(time.monotonic() - begun)
            assert answer.status_code == 200, answer.text
            entry: Message = answer.json()
            assert (entry["room"], entry["role"], entry["recorded"]) == (self.room, "viewer", True)
            assert entry["stage"] is None
            return entry

        entries = await asyncio.gather(*(join(number) for number in range(STUDENTS)))
        # A token is its user's own.
        assert len({entry["playback"]["token"] for entry in entries}) == STUDENTS
        for number in range(STUDENTS):
            urls = self.cluster.urls if number % 2 == 0 else self.cluster.urls[::-1]
            student = Student(f"student-{number}", self.token(f"student-{number}"), urls, self.room, self.over)
            self.students.append(student)
            self.attending.append(asyncio.create_task(student.attend()))
        async with asyncio.timeout(30):
            await asyncio.gather(*(student.inside.wait() for student in self.students))
        ticket = (await self.mentor.post(f"{self.path}/join")).json()["stage"]
        assert ticket["publishes"]
        self.camera = await self.enter_stage(ticket)
        await asyncio.gather(*(student.sees("live.session", video="streaming") for student in self.students))
        playback = entries[0]["playback"]
        assert await self.watches(playback["url"], playback["token"]) == 200
        assert await self.watches(playback["url"], playback["token"][:-8] + "AAAAAAAA") == 403
        assert (await self.student(1).do("live.consent", {"agree": True}))["ok"]
        # Who is there is known a moment later, as presence is.
        consents = await until(
            lambda: self.read(f"{self.path}/consents"), lambda found: len(found["missing"]) == STUDENTS - 1
        )
        assert [one["user"]["id"] for one in consents["items"] if one["agreed"]] == ["student-1"]
        p95 = sorted(took)[int(len(took) * 0.95)] * 1000
        self.act(f"live on both gateways: {STUDENTS} joined, 20 at once with p95 {p95:.0f} ms, and see it streaming")

    async def chat(self, count: int = MESSAGES) -> None:
        chance = random.Random(count)

        async def say(number: int) -> None:
            await asyncio.sleep(chance.uniform(0, 2))
            student, text = chance.choice(self.students[:150]), f"{count} {number}"
            reply = await student.do("chat.send", {"text": text}, nonce=f"say-{count}-{number}")
            self.acked[reply["ok"]["seq"]] = text

        await asyncio.gather(*(say(number) for number in range(count)))

    async def raise_hands(self) -> None:
        """A queue in the order they came; nobody speaks in a recorded class without having agreed."""
        for number in (3, 1, 2):
            assert "ok" in await self.student(number).do("live.raise_hand", {})
        hands = (await self.snapshot(self.meera))["live.hands"]["hands"]
        assert [hand["user"]["id"] for hand in hands] == ["student-3", "student-1", "student-2"]
        with pytest.raises(WireError) as caught:
            await self.do("live.invite", user="student-3")
        assert caught.value.code == "live.no_consent"
        await self.do("live.invite", user="student-1")
        speaker = self.student(1)
        await speaker.hears("left")
        told = await until(lambda: speaker.do("live.stage_token", {}), lambda one: one.get("ok", {}).get("stage"))
        await self.enter_stage(told["ok"]["stage"])
        assert [data["code"] for data in speaker.left] == ["live.role"]
        assert await self.on_stage() == [("meera", "camera"), ("student-1", "camera")]
        self.act("hands in their order; one who agreed speaks on the stage")

    async def share_the_screen(self) -> None:
        screen = (await self.mentor.post(f"{self.path}/screen")).json()
        self.screen = await self.enter_stage(screen)
        assert await self.on_stage() == [("meera", "camera"), ("meera", "screen"), ("student-1", "camera")]
        assert (await self.caller("student-5").post(f"{self.path}/screen")).status_code == 403
        self.act("the mentor shares a screen beside the camera")

    async def vote_while_a_gateway_dies(self) -> None:
        """All vote once, some from several tabs; a gateway is killed in the middle, under chat."""
        poll = (await self.do("live.open_poll", question="x² = 4?", options=["2", "±2", "-2"]))["poll"]
        opened = time.monotonic()
        chance = random.Random(1)
        tabs = [await self.client(f"student-{number}") for number in range(10, 15)]
        for tab in tabs:
            await tab.join(self.room)

        async def vote(student: Student) -> int:
            await asyncio.sleep(chance.uniform(0, 2.5))
            number = int(student.id.rpartition("-")[2])
            data = {"poll": poll, "options": [number % 3]}
            # Some are impatient; only one of their votes counts.
            votes = [student.do("live.vote", data) for _ in range(2 if number % 10 == 0 else 1)]
            replies = await asyncio.gather(*votes)
            assert {one["error"]["code"] for one in replies if "error" in one} <= {"live.already_voted"}
            return sum("ok" in one for one in replies)

        async def vote_in(tab: WireClient) -> int:
            try:
                await tab.call("live.vote", room=self.room, nonce="tab", data={"poll": poll, "options": [0]})
            except WireError as error:
                return 0 if error.code == "live.already_voted" else -STUDENTS
            return 1

        voting = [asyncio.create_task(vote(student)) for student in self.students]
        voting += [asyncio.create_task(vote_in(tab)) for tab in tabs]
        chatting = asyncio.create_task(self.chat(MESSAGES + 1))
        await asyncio.sleep(1.0)
        dead = [student for student in self.students if student.inside.is_set()]
        await self.cluster.kill_gateway(0)
        assert sum(await asyncio.gather(*voting)) == STUDENTS
        await chatting
        await self.do("live.close_poll", poll=poll)
        closed = await self.meera.expect(
            lambda one: one.get("push") == "live.poll" and one["data"]["poll"]["state"] == "closed"
        )
        result = closed["data"]["poll"]
        # Who voted from a tab may have chosen the first there.
        assert (sum(result["counts"]), result["voters"]) == (STUDENTS, STUDENTS)
        tallies, lasted = len(self.meera.pushes("live.poll_tally", self.room)), time.monotonic() - opened
        assert 1 <= tallies <= lasted * 2 + 2, "tallies come at most twice a second"
        arn = await self.channel()
        marks = (await self.aws.drive("GET", "metadata", params={"arn": arn}))["metadata"]
        assert poll in json.dumps(marks), "players know when it was opened"
        for tab in tabs:
            await tab.socket.close()
        back = sum(student.reconnects > 0 for student in dead)
        await self.everyone_is_in()
        self.act(f"{STUDENTS} votes, each once, in {tallies} tallies; a gateway was killed and {back} came back")

    async def mute(self) -> None:
        await self.meera.call("chat.mute", room=self.room, nonce="m", data={"user": "student-160", "seconds": 600})
        await self.student(160).hears("can")
        refusal = await self.student(160).do("chat.send", {"text": "spam"})
        assert (refusal["error"]["code"], refusal["error"]["retry_after"] > 500) == ("chat.muted", True)
        self.act("one is muted")

    async def ban(self) -> None:
        """The speaker: out of the room and off the stage, on all gateways, and their video ends."""
        await self.cluster.wait_up(0)
        banned = self.student(1)
        playback = (await banned.do("live.playback", {}))["ok"]["playback"]
        assert await self.watches(playback["url"], playback["token"]) == 200
        await self.do("live.ban", user=banned.id, reason="rude")
        async with asyncio.timeout(20):
            await self.attending[1]
        assert banned.left[-1] == {"code": "live.banned", "rejoin": False}
        for gateway in range(2):
            again = await self.client(banned.id, gateway=gateway)
            with pytest.raises(WireError) as caught:
                await again.join(self.room)
            assert caught.value.code == "forbidden"
            with pytest.raises(WireError) as caught:
                await again.call("live.playback", room=self.room, data={})
            assert caught.value.code in ("forbidden", "not_joined")
            assert (await self.caller(banned.id, gateway=gateway).post(f"{self.path}/join")).status_code == 403
        await until(self.on_stage, lambda there: there == [("meera", "camera"), ("meera", "screen")])
        await until(lambda: self.watches(playback["url"], playback["token"]), lambda status: status == 403)
        self.act("one is banned: refused by both gateways, off the stage, and sees no more")

    async def lose_the_stream(self) -> None:
        """The mentor's network goes, and what AWS tells of it comes late, twice, in another order or not at all."""
        await self.aws.faults(events=BAD_NEWS)
        for place in (self.camera, self.screen):
            known = {"stageArn": place["stageArn"], "participantId": place["participantId"]}
            await self.aws.drive("POST", "participants/leave", json=known)
        # AWS ends a mix of which nobody is a part any more a minute later; this is the end of that minute.
        running = (await self.aws.realtime.list_compositions(filterByStageArn=self.camera["stageArn"]))["compositions"]
        for composition in running:
            await self.aws.realtime.stop_composition(arn=composition["arn"])
        await self.shows("lost")
        await self.meera.expect(lambda one: one.get("push") == "live.stream" and one["data"]["trouble"] == "gone")
        assert "ok" in await self.student(7).do("chat.send", {"text": "Are you there?"})
        ticket = (await self.meera.call("live.stage_token", room=self.room, data={}))["stage"]
        self.camera = await self.enter_stage(ticket)
        await self.shows("streaming")
        await self.aws.settle()
        await self.aws.drive("DELETE", "faults")
        assert (await self.mentor.get(f"{self.path}/stream")).json()["video"] == "streaming"
        self.act("the stream was lost, the mentor warned, and the stream came back, with half of AWS' events lost")

    async def come_late(self) -> None:
        """Who comes last sees what those see who were there, by one command."""
        await self.chat(20)
        late = await self.client("student-2", gateway=0)
        await late.join(self.room)
        mine = {"live.my_consent", "live.my_votes", "live.my_questions", "chat.my_reactions"}
        parts = [await self.snapshot(client) for client in (late, self.meera)]
        here, there = ({name: part for name, part in one.items() if name not in mine} for one in parts)
        assert here == there
        assert here["live.polls"]["polls"][0]["voters"] == STUDENTS
        await late.socket.close()
        self.act(f"a late joiner has the same {len(here)} parts as who was there")

    async def end(self) -> tuple[float, float]:
        ended = (await self.mentor.post(f"{self.path}/end")).json()
        staying = [student for student in self.students if not student.out]
        await asyncio.gather(*(student.sees("live.session", state="ended") for student in staying))
        self.over.set()
        async with asyncio.timeout(30):
            await asyncio.gather(*self.attending)
        self.act("ended, and all were told")
        return seconds(ended["started_at"]), seconds(ended["ended_at"])

    async def nothing_was_lost(self) -> None:
        """Each was served the room's log from where they came in, in its order, each push once."""
        log = await read_log(self.cluster, self.room)
        said = {seq: push["data"]["text"] for seq, push in log.items() if push["push"] == "chat.message"}
        assert self.acked.items() <= said.items()
        assert len(said) == len(self.acked) + 1, "and the one who asked whether the mentor was there"
        served = 0
        for student in self.students:
            assert student.faults == [], (student.id, student.faults[:5])
            assert student.began is not None
            assert student.position is not None
            seqs = [push["seq"] for push in student.served]
            assert seqs == sorted(seq for seq in log if student.began < seq <= student.position["seq"])
            served += len(seqs)
        self.act(f"{len(said)} messages; {served} pushes served, in order, none lost and none twice")

    async def attendance_is_right(self, start: float, end: float) -> None:
        curve = await until(
            lambda: self.read(f"{self.path}/attendance/curve"), lambda found: found["settled"], within=40
        )
        rows: dict[str, Message] = {}
        cursor: str | None = ""
        while cursor is not None:
            page = await self.read(f"{self.path}/attendance?limit=200" + (f"&cursor={cursor}" if cursor else ""))
            rows |= {row["user_id"]: row for row in page["items"]}
            cursor = page["next"]
        assert rows["meera"]["role"] == "host"
        errors = {}
        for student in self.students:
            early = [self.early[student.id]] if student.id in self.early else []
            least, most = (truth(early + there, start, end, GAP) for there in (student.there, student.around))
            told = rows[student.id]["seconds"]
            errors[student.id] = told - min(max(told, least), most)
        worst = max(errors.values(), key=abs)
        assert abs(worst) <= INTERVAL + SLACK, sorted(errors.items(), key=lambda one: abs(one[1]))[-10:]
        event = (
            "SELECT body FROM outbox WHERE kind = 'event' AND destination = 'live.SessionEnded' AND body::text LIKE $1"
        )
        body = await until(lambda: self.database.fetchval(event, f"%{self.id}%"), lambda found: found)
        figures = json.loads(body)["figures"]
        assert figures["viewers"] == STUDENTS
        assert figures["messages"] == len(self.acked) + 1
        assert (figures["polls"], figures["hands"]) == (1, 3)
        assert (figures["stream"]["losses"], figures["stream"]["lost_seconds"] >= 0) == (1, True)
        assert STUDENTS - 1 <= figures["peak_viewers"] <= STUDENTS
        assert curve["totals"]["viewers"] == STUDENTS
        self.act(f"attendance is off by at most {worst:+.2f} s; peak {figures['peak_viewers']}")

    async def watch_the_recording(self) -> None:
        """Of each stream there is a recording, and nothing is left that costs money."""
        program = f"program:{self.program}"
        for _ in range(2):
            pushed = await self.meera.expect_push("live.recording", program, timeout=60)
            assert pushed["data"]["session_id"] == self.id
        listed = (await self.caller("student-4").get(f"{self.path}/recordings")).json()["items"]
        assert len(listed) == 2
        assert (await self.caller("eve").get(f"{self.path}/recordings")).status_code == 403

        async def left() -> list[str]:
            stages = (await self.aws.realtime.list_stages(maxResults=100))["stages"]
            channels = (await self.aws.ivs.list_channels(filterByName=f"ksmp-{self.id}"))["channels"]
            return [one["name"] for one in (*stages, *channels) if self.id in one["name"]]

        await until(left, lambda names: names == [])
        self.act(f"{len(listed)} recordings; no channel and no stage is left")

    # What the acts ask.

    def student(self, number: int) -> Student:
        return self.students[number]

    async def do(self, cmd: str, **data: Any) -> Message:
        return await self.meera.call(cmd, room=self.room, nonce=uuid.uuid4().hex, data=data)

    async def read(self, path: str) -> Message:
        answer = await self.mentor.get(path)
        assert answer.status_code == 200, answer.text
        found: Message = answer.json()
        return found

    async def snapshot(self, client: WireClient) -> Message:
        parts: Message = (await client.call("live.snapshot", room=self.room, data={}))["parts"]
        return parts

    async def shows(self, video: str) -> None:
        await until(lambda: self.read(self.path), lambda session: session["video"] == video)

    async def channel(self) -> str:
        found = await self.aws.ivs.list_channels(filterByName=f"ksmp-{self.id}")
        (one,) = found["channels"]
        return str(one["arn"])

    async def enter_stage(self, ticket: Message) -> Message:
        body = {"token": ticket["token"], "publish": True}
        place: Message = await self.aws.drive("POST", "participants/join", json=body)
        return place

    async def on_stage(self) -> list[tuple[str, str]]:
        there = await self.read(f"{self.path}/stage/participants")
        return sorted((one["user_id"], one["kind"]) for one in there["items"])

    async def watches(self, url: str, token: str) -> int:
        headers = {"Origin": "https://app.test"}
        return (await self.aws.http.get(url, params={"token": token}, headers=headers)).status_code

    async def everyone_is_in(self) -> None:
        async with asyncio.timeout(30):
            await asyncio.gather(*(student.inside.wait() for student in self.students if not student.out))


async def test_a_whole_class(cluster: Cluster, aws: Aws) -> None:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(asyncpg.create_pool(cluster.postgres.url, min_size=1, max_size=2))
        day = ClassDay(cluster, aws, database, stack)
        print()
        await day.schedule()
        await day.remind_and_open()
        await day.wait_in_the_lobby()
        await day.go_live()
        await day.chat()
        day.act(f"{MESSAGES} messages from all sides")
        await day.raise_hands()
        await day.share_the_screen()
        await day.vote_while_a_gateway_dies()
        await day.mute()
        await day.ban()
        await day.lose_the_stream()
        await day.come_late()
        start, end = await day.end()
        await day.nothing_was_lost()
        await day.attendance_is_right(start, end)
        await day.watch_the_recording()


async def until(read: Callable[[], Awaitable[T]], wanted: Callable[[T], Any], within: float = 20.0) -> T:
    """What is read, once it is what is wanted."""
    async with asyncio.timeout(within):
        while not wanted(found := await read()):
            await asyncio.sleep(0.05)
    return found


def seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
