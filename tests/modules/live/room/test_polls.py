"""Polls and quizzes: who sees what when, how votes are counted, and how a poll marks the video."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running, eventually
from modules.live.events import PollOpened
from modules.live.video.listeners import METADATA_BYTES, poll_mark
from tests.modules.classroom import MENTOR, YES_NO, datas, do, enter, people, refusal, snapshot, staff


async def test_a_quiz_keeps_its_answer_until_it_closes(nodes: Sequence[Running], token: MakeToken, room: str) -> None:
    one, two = nodes
    async with people(one, token, MENTOR, "ada") as (mentor, ada), people(two, token, "bob") as (bob,):
        await enter([mentor, ada, bob], room)
        await mentor.join(staff(room))
        quiz = {"question": "2 + 2?", "options": ["3", "4", "5"], "correct": [1], "shown": False, "revote": True}
        assert await refusal(ada, room, "live.open_poll", **quiz) == "forbidden"
        for wrong in (
            {"options": ["3"]},
            {"options": ["3", "3"]},
            {"options": [str(number) for number in range(11)]},
            {"correct": [3]},
            {"correct": [1, 2]},
            {"seconds": 0.1},
            {"question": ""},
        ):
            assert await refusal(mentor, room, "live.open_poll", **quiz | wrong) == "invalid"
        poll = (await do(mentor, room, "live.open_poll", **quiz))["poll"]
        for wrong_vote in ([], [3], [-1], [0, 1], [1, 1]):
            assert await refusal(ada, room, "live.vote", poll=poll, options=wrong_vote) == "invalid"
        assert await refusal(ada, room, "live.vote", poll="none", options=[0]) == "not_found"
        assert await do(ada, room, "live.vote", poll=poll, options=[0]) == {"rev": 1}
        assert await do(ada, room, "live.vote", poll=poll, options=[1]) == {"rev": 2}
        await do(bob, room, "live.vote", poll=poll, options=[2])
        assert (await ada.expect_push("live.voted", "user:ada"))["data"]["options"] == [0]

        def counted() -> bool:
            return any(
                tally == {"id": poll, "counts": [0, 1, 1], "voters": 2}
                for data in datas(mentor, "live.staff_tally", staff(room))
                for tally in data["polls"]
            )

        await eventually(counted, "the hosts see the votes")
        open_snapshot = await snapshot(bob, room)
        host_snapshot = await snapshot(mentor, room)
        assert bob.pushes("live.poll_tally") == []
        opened = datas(bob, "live.poll", room)[0]["poll"]
        for known in (
            open_snapshot["parts"]["live.polls"]["polls"][0],
            host_snapshot["parts"]["live.polls"]["polls"][0],
            opened,
        ):
            assert known["quiz"] is True
            assert {"correct", "counts", "voters"}.isdisjoint(known)
        assert (await mentor.expect_push("live.staff_poll", staff(room)))["data"]["poll"]["correct"] == [1]
        assert (await snapshot(bob, room))["parts"]["live.my_votes"] == {"votes": {poll: [2]}}
        await do(mentor, room, "live.close_poll", poll=poll)
        await eventually(lambda: datas(bob, "live.poll", room)[-1]["poll"]["state"] == "closed", "its end")
        closed = datas(bob, "live.poll", room)[-1]["poll"]
        assert (closed["correct"], closed["counts"], closed["voters"]) == ([1], [0, 1, 1], 2)
    path = f"{one.url}/api/v1/sessions/{room.removeprefix('session:')}/polls"
    async with httpx.AsyncClient() as http:
        hosts, students = ({"Authorization": f"Bearer {token(*who)}"} for who in ((MENTOR, "mentor"), ("ada",)))
        assert (await http.get(path, headers=students)).status_code == 403
        (item,) = (await http.get(path, headers=hosts)).json()["items"]
        assert (item["id"], item["counts"]) == (poll, [0, 1, 1])
        assert (await http.get(f"{path}/{poll}/ballots", headers=students)).status_code == 403
        assert (await http.get(f"{path}/none/ballots", headers=hosts)).json()["code"] == "not_found"
        found, query = [], {"limit": 1}
        while True:
            page = (await http.get(f"{path}/{poll}/ballots", headers=hosts, params=query)).json()
            found += page["items"]
            if page["next"] is None:
                break
            query |= {"cursor": page["next"]}
        assert found == [{"voter": "ada", "options": [1]}, {"voter": "bob", "options": [2]}]
        table = await http.get(path, headers=hosts, params={"format": "csv"})
        assert table.content.startswith(b"\xef\xbb\xbf")
        rows = list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"))))
        for name in ("opened_at", "closed_at"):
            moment = datetime.fromisoformat(rows[0][name])
            assert (moment.utcoffset(), int(moment.timestamp())) == (timedelta(0), closed[name] // 1000)
        assert [(row["option"], row["votes"], row["correct"]) for row in rows] == [
            ("3", "0", "no"),
            ("4", "1", "yes"),
            ("5", "1", "no"),
        ]


async def test_votes_are_told_at_most_twice_a_second_and_in_full_at_the_end(
    gateway: MakeGateway, token: MakeToken, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    """With two gateways, one of which never counts what it scheduled, as if it had died."""
    room = f"session:{await create_session()}"
    dying = {"KSMP_LIVE_TALLY_INTERVAL": "3600"}
    users = [f"u{number}" for number in range(12)]
    async with (
        gateway() as one,
        gateway(environ=dying) as two,
        people(one, token, MENTOR, *users[:8]) as (mentor, *alive),
        people(two, token, *users[8:]) as doomed,
    ):
        await enter([mentor, *alive, *doomed], room)
        poll = (await do(mentor, room, "live.open_poll", **YES_NO, seconds=3))["poll"]
        for number, client in enumerate([*alive, *doomed]):
            await do(client, room, "live.vote", poll=poll, options=[number % 2])
        # The interval is the session's, not the gateway's: the other gateway may not count yet.
        await mentor.expect_push("live.poll_tally", room)
        live: Any = next(module for module in two.gateway.modules if module.name == "live")
        session, tally = room.removeprefix("session:"), live.room.polls.tally
        assert await live.room.vote_counter.count_now(session, "polls", tally) is False
        started = await database.fetchval("SELECT clock_timestamp()")
        # Nobody closes the poll. Its time does, once, and every vote counts.
        await eventually(lambda: datas(mentor, "live.poll", room)[-1]["poll"]["state"] == "closed", "its time", 20.0)
        assert await database.fetchval("SELECT clock_timestamp()") > started
        closed = [data["poll"] for data in datas(mentor, "live.poll", room)]
        assert [one["state"] for one in closed] == ["open", "closed"]
        assert (closed[-1]["counts"], closed[-1]["voters"]) == ([6, 6], 12)
        tallies = mentor.pushes("live.poll_tally", room)
        # The count at the end may follow without a pause.
        gaps = [later["at"] - earlier["at"] for earlier, later in itertools.pairwise(tallies[:-1])]
        assert len(tallies) <= 8
        assert all(gap > 300 for gap in gaps)
        assert tallies[-1]["data"]["polls"][0]["voters"] == 12
        assert await refusal(alive[0], room, "live.vote", poll=poll, options=[0]) == "live.poll_closed"


async def test_nobody_can_tell_who_voted_what_in_an_anonymous_poll(
    nodes: Sequence[Running], token: MakeToken, room: str, database: asyncpg.Pool
) -> None:
    async with people(nodes[0], token, MENTOR, "ada") as (mentor, ada):
        await enter([mentor, ada], room)
        await mentor.join(staff(room))
        poll = (await do(mentor, room, "live.open_poll", **YES_NO, anonymous=True, revote=True))["poll"]
        await do(mentor, room, "live.open_poll", **YES_NO)
        assert await refusal(mentor, room, "live.open_poll", **YES_NO) == "live.too_many_polls"
        await do(ada, room, "live.vote", poll=poll, options=[0], nonce="a")
        await do(ada, room, "live.vote", poll=poll, options=[1], nonce="b")
        own = (await ada.expect_push("live.voted", "user:ada"))["data"]
        assert "options" not in own
        assert (await snapshot(ada, room))["parts"]["live.my_votes"] == {"votes": {poll: []}}
        await do(mentor, room, "live.close_poll", poll=poll)
        seen = json.dumps([await snapshot(mentor, one) for one in (room, staff(room))])
        # With quotes, because ids are hexadecimal and might hold these letters.
        assert '"ada"' not in seen.lower()
        path = f"{nodes[0].url}/api/v1/sessions/{room.removeprefix('session:')}/polls"
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token(MENTOR, 'mentor')}"}) as http:
            found = (await http.get(path)).json()["items"]
            ballots = [(await http.get(f"{path}/{item['id']}/ballots")).json() for item in found]
        assert (ballots[0]["code"], ballots[1]) == ("not_found", {"items": [], "next": None})
        assert found[0]["counts"] == [0, 1]
        # The tables do not tell either: the votes are deleted, and the secret that hashed the voters.
        assert await database.fetch("SELECT * FROM live_vote WHERE poll_id = $1", poll) == []
        assert await database.fetchval("SELECT secret FROM live_poll WHERE id = $1", poll) is None


async def test_a_poll_marks_the_video_without_waiting_for_it(
    nodes: Sequence[Running], token: MakeToken, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks: list[tuple[str, str]] = []
    tries: list[int] = []

    class Camera:
        async def put_metadata(self, session_id: str, text: str) -> None:
            tries.append(len(tries))
            if len(tries) < 2:
                raise RuntimeError("the video is away")
            marks.append((session_id, text))

        async def remove(self, session_id: str, user_id: str) -> None:
            raise AssertionError("nobody was removed")

    lives: list[Any] = [next(one for one in node.gateway.modules if one.name == "live") for node in nodes]
    # Any of the gateways may get the events.
    for live in lives:
        monkeypatch.setattr(live.video.listeners, "video", Camera())
    async with people(nodes[0], token, MENTOR, "ada") as (mentor, ada):
        await enter([mentor, ada], room)
        session = room.removeprefix("session:")
        poll = (await do(mentor, room, "live.open_poll", **YES_NO))["poll"]
        text = f'{{"poll":"{poll}","question":"Clear so far?","type":"live.poll"}}'
        await eventually(lambda: (session, text) in marks, "the mark")
    declared = nodes[0].gateway.declarations
    assert "live.poll_due" in declared.timers
    assert declared.listeners.keys() >= {"live.mark_poll", "live.remove_viewer"}


def test_a_mark_is_never_too_long_for_the_video() -> None:
    assert len(poll_mark(PollOpened("s", "p", "ü" * 3000)).encode()) <= METADATA_BYTES
    assert "?" in poll_mark(PollOpened("s", "p", "Why?"))
