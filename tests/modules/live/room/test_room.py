"""Hands, questions, polls and reactions: what each command does, to whom it is answered, and once for its nonce."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import Message, WireClient, WireError
from modules.live.events import PollOpened
from modules.live.video.listeners import METADATA_BYTES, poll_mark
from tests.modules.classroom import MENTOR, Replica, do, eventually, people, refusal, snapshot, staff

YES_NO = {"question": "Clear so far?", "options": ["yes", "no"]}


@pytest.fixture(scope="module")
async def nodes(gateway: MakeGateway) -> AsyncIterator[Sequence[Running]]:
    """Two gateways; what is voted on one is told on the other."""
    environ = {
        "KSMP_LIVE_QUESTIONS_PER_USER": "2",
        "KSMP_LIVE_QUESTION_CHARACTERS": "40",
        "KSMP_LIVE_HANDS": "3",
        "KSMP_LIVE_HAND_KEPT": "2",
        "KSMP_LIVE_ATTENDANCE_INTERVAL": "0.5",
        "KSMP_LIVE_POLLS_OPEN": "2",
        "KSMP_LIVE_TALLY_INTERVAL": "0.2",
        "KSMP_LIVE_REACTION_INTERVAL": "0.3",
    }
    # Where hosts are starts last: Piccolo's tables know one engine at a time, and transactions are of that one.
    async with gateway(environ=environ) as two, gateway(environ=environ) as one:
        yield one, two


async def enter(clients: Sequence[WireClient], room: str) -> None:
    for client in clients:
        await client.join(room)


def datas(client: WireClient, push: str, room: str) -> list[Message]:
    return [one["data"] for one in client.pushes(push, room)]


async def test_a_repeat_is_answered_as_the_first_on_any_gateway(
    nodes: Sequence[Running], token: MakeToken, room: str, database: asyncpg.Pool
) -> None:
    one, two = nodes
    async with people(one, token, MENTOR, "ada") as (mentor, ada), people(two, token, "ada") as (tab,):
        await enter([mentor, ada, tab], room)
        first = await do(ada, room, "live.ask", text="Why?", nonce="n1")
        # The answer was lost, the tab is on another gateway, and the user may ask no more meanwhile.
        await do(ada, room, "live.ask", text="And how?", nonce="n2")
        assert await refusal(tab, room, "live.ask", text="Who?") == "live.too_many_questions"
        assert await do(tab, room, "live.ask", text="Why?", nonce="n1") == {**first, "duplicate": True}
        poll = (await do(mentor, room, "live.open_poll", **YES_NO, nonce="p1"))["poll"]
        # At the same time, on both gateways: one of them votes, and both are told so.
        votes = await asyncio.gather(
            *(do(client, room, "live.vote", poll=poll, options=[0], nonce="v1") for client in (ada, tab) for _ in "123")
        )
        assert [vote["rev"] for vote in votes] == [1] * 6
        assert sum(vote.get("duplicate", False) for vote in votes) == 5
        # Another nonce is another vote.
        assert await refusal(tab, room, "live.vote", poll=poll, options=[1]) == "live.already_voted"
        # What failed was not remembered: once it is possible, a repeat is another try.
        await do(mentor, room, "live.close_poll", poll=poll)
        lost = {"poll": poll, "options": [0], "nonce": "late"}
        with pytest.raises(WireError, match=r"live\.poll_closed"):
            await do(ada, room, "live.vote", **lost)
        with pytest.raises(WireError, match=r"live\.poll_closed"):
            await do(tab, room, "live.vote", **lost)
        await eventually(lambda: len(ada.pushes("live.question", room)) == 2, "both questions")
        assert await database.fetchval("SELECT count(*) FROM live_vote WHERE poll_id = $1", poll) == 1


async def test_hands(nodes: Sequence[Running], token: MakeToken, room: str) -> None:
    one, two = nodes
    async with people(one, token, MENTOR, "ada") as (mentor, ada), people(two, token, "bob", "cleo", "dan") as others:
        bob, cleo, dan = others
        await enter([mentor, ada, *others], room)
        await do(bob, room, "live.raise_hand")
        before = await do(ada, room, "live.raise_hand")
        # A hand that is up keeps its place.
        assert await do(bob, room, "live.raise_hand") == before
        await do(cleo, room, "live.raise_hand")
        assert await refusal(dan, room, "live.raise_hand") == "live.too_many_hands"
        queue = (await snapshot(dan, room))["parts"]["live.hands"]["hands"]
        assert [hand["user"] for hand in queue] == [
            {"id": one, "name": one.capitalize()} for one in ("bob", "ada", "cleo")
        ]
        assert await refusal(ada, room, "live.lower_hand", user="bob") == "forbidden"
        assert await refusal(ada, room, "live.invite", user="ada") == "forbidden"
        assert await refusal(ada, room, "live.lower_hands") == "forbidden"
        assert await refusal(mentor, room, "live.invite", user="dan") == "not_found"
        await do(mentor, room, "live.invite", user="ada")
        await do(mentor, room, "live.lower_hand", user="bob")
        assert await refusal(mentor, room, "live.lower_hand", user="bob") == "not_found"
        await do(dan, room, "live.raise_hand")
        await do(mentor, room, "live.lower_hands")
        await dan.expect_push("live.hands_lowered", room)
        told = [(data["hand"]["user"]["id"], data["hand"]["state"]) for data in datas(dan, "live.hand", room)]
        assert told == [
            *(("bob", "raised"), ("ada", "raised"), ("cleo", "raised")),
            *(("ada", "invited"), ("bob", "lowered"), ("dan", "raised")),
        ]
        revs = [data["rev"] for data in datas(dan, "live.hand", room)]
        assert revs == sorted(set(revs))
        # Who speaks goes on.
        up = (await snapshot(dan, room))["parts"]["live.hands"]["hands"]
        assert [(hand["user"]["id"], hand["state"]) for hand in up] == [("ada", "invited")]
        assert all(left["data"]["code"] == "live.role" for left in ada.pushes("left", room))
        assert len(ada.pushes("left", room)) == 1


async def test_hands_of_those_who_are_gone_are_lowered(
    nodes: Sequence[Running], token: MakeToken, room: str, database: asyncpg.Pool
) -> None:
    one, two = nodes
    id = room.removeprefix("session:")
    async with people(one, token, MENTOR, "ada", "eve") as (mentor, ada, eve), people(two, token, "bob") as (bob,):
        await enter([mentor, ada, eve, bob], room)
        replica = Replica(await snapshot(mentor, room))
        for client in (bob, ada, eve):
            await do(client, room, "live.raise_hand")
        await do(mentor, room, "live.invite", user="eve")
        await eve.expect_push("left", room)
        await eve.join(room)
        # As a gateway left them that was killed: open, and seen last before a while.
        await database.execute("INSERT INTO live_node VALUES ($1, now() - interval '3 s')", f"killed-{id}")
        await database.execute(
            "INSERT INTO live_stay VALUES ($1, 'dan', $2, now() - interval '1 hour', NULL, 'Dan', false)",
            id,
            f"killed-{id}",
        )
        await database.execute(
            "INSERT INTO live_hand VALUES ($1, 'dan', 'Dan', 'raised', now() - interval '1 hour')", id
        )
        # A moment away, and back on another gateway.
        await ada.call("leave", room=room)
        async with people(two, token, "ada") as (again,):
            await again.join(room)
            await eve.socket.close()
            lowered = "SELECT user_id FROM live_hand WHERE session_id = $1 AND state = 'lowered' ORDER BY user_id"

            async def gone() -> bool:
                return [row["user_id"] for row in await database.fetch(lowered, id)] == ["dan", "eve"]

            await eventually(gone, "two hands are lowered")
            assert not await database.fetch("SELECT FROM live_promotion WHERE session_id = $1", id)
            await do(mentor, room, "live.lower_hand", user="ada")
            last = await mentor.expect(
                lambda got: (
                    got.get("push") == "live.hand"
                    and got["data"]["hand"]["user"]["id"] == "ada"
                    and got["data"]["hand"]["state"] == "lowered"
                )
            )
            for push in mentor.received:
                replica.apply(push)
            fresh = (await snapshot(again, room))["parts"]["live.hands"]
            assert [hand["user"]["id"] for hand in fresh["hands"]] == ["bob"]
            assert replica.parts["live.hands"] == fresh
            assert fresh["rev"] == last["data"]["rev"]


async def test_questions_and_who_asked_them(
    nodes: Sequence[Running], token: MakeToken, room: str, database: asyncpg.Pool
) -> None:
    one, two = nodes
    async with people(one, token, MENTOR, "ada") as (mentor, ada), people(two, token, "bob", "cleo") as (bob, cleo):
        await enter([mentor, ada, bob, cleo], room)
        await mentor.join(staff(room))
        secret = (await do(ada, room, "live.ask", text=" Why so? ", anonymous=True, nonce="ada-1"))["question"]
        named = (await do(bob, room, "live.ask", text="How?", nonce="bob-1"))["question"]
        assert await refusal(ada, room, "live.ask", text=" ") == "invalid"
        assert await refusal(ada, room, "live.ask", text="x" * 41) == "too_large"
        # Students never learn who asked: not by the push, its author or nonce, nor by a snapshot or the past.
        pushed = await cleo.expect(
            lambda got: got.get("push") == "live.question" and got["data"]["question"]["id"] == secret
        )
        assert {"from", "nonce"}.isdisjoint(pushed)
        assert pushed["data"]["question"]["text"] == "Why so?"
        past = await cleo.call("history", room=room, before=2**53 - 1)
        seen = json.dumps([pushed, await snapshot(cleo, room), past["messages"]])
        # With the quotes: the ids are hexadecimal.
        assert '"ada"' not in seen.lower()
        assert "bob" in seen
        asker = await mentor.expect_push("live.asker", staff(room))
        assert asker["data"]["author"] == {"id": "ada", "name": "Ada"}
        assert (await ada.expect_push("live.my_question", "user:ada"))["data"]["question"] == secret
        assert await refusal(cleo, staff(room), "live.staff_snapshot") == "not_joined"
        # Upvoted once by each, however often they try; told together a moment later.
        for client in (bob, cleo, cleo):
            await do(client, room, "live.upvote", question=secret)
        await do(mentor, room, "live.upvote", question=named)
        assert (await bob.expect_push("live.upvoted", "user:bob"))["data"]["question"] == secret

        def votes() -> dict[str, int]:
            return {
                vote["id"]: vote["votes"]
                for data in datas(ada, "live.question_votes", room)
                for vote in data["questions"]
            }

        await eventually(lambda: votes() == {secret: 2, named: 1}, "the votes")
        parts = (await snapshot(cleo, room))["parts"]
        assert [(question["id"], question["votes"]) for question in parts["live.questions"]["questions"]] == [
            (secret, 2),
            (named, 1),
        ]
        assert parts["live.my_questions"] == {"asked": [], "upvoted": [secret]}
        assert await refusal(ada, room, "live.answer", question=named) == "forbidden"
        assert await refusal(cleo, room, "live.dismiss", question=secret) == "forbidden"
        assert await refusal(mentor, room, "live.answer", question="none") == "not_found"
        await do(mentor, room, "live.answer", question=named, text="＝So.")
        assert await refusal(ada, room, "live.upvote", question=named) == "live.question_closed"
        # One's own may be taken back, an anonymous one as anonymously as it came.
        await do(ada, room, "live.dismiss", question=secret)
        gone = await cleo.expect(
            lambda got: got.get("push") == "live.question" and got["data"]["question"]["state"] == "dismissed"
        )
        assert "from" not in gone
        assert gone["data"]["question"]["text"] == ""
        assert await refusal(mentor, room, "live.answer", question=secret) == "live.question_closed"
        await do(mentor, room, "live.dismiss", question=named)
        await do(mentor, room, "live.configure", anonymous_questions=False)
        # The audit has what was done to others.
        acts = "SELECT act FROM account_audit WHERE actor = 'mentor' AND subject = ANY($1) ORDER BY id"
        subjects = [secret, named, room.removeprefix("session:")]
        assert [row["act"] for row in await database.fetch(acts, subjects)] == ["live.dismiss", "live.configure"]
        assert (await cleo.expect_push("live.options", room))["data"]["anonymous_questions"] is False
        assert await refusal(cleo, room, "live.ask", text="Who?", anonymous=True) == "live.not_anonymous"

    path = f"{one.url}/api/v1/sessions/{room.removeprefix('session:')}/questions"
    async with httpx.AsyncClient() as http:
        hosts, students = ({"Authorization": f"Bearer {token(*who)}"} for who in ((MENTOR, "mentor"), ("cleo",)))
        assert (await http.get(path, headers=students)).status_code == 403
        assert (await http.get(f"{one.url}/api/v1/sessions/none/questions", headers=hosts)).status_code == 404
        items = (await http.get(path, headers=hosts)).json()["items"]
        assert [(item["question"]["text"], item["asker"]["id"], item["question"]["votes"]) for item in items] == [
            ("Why so?", "ada", 2),
            ("How?", "bob", 1),
        ]
        table = await http.get(path, headers=hosts, params={"format": "csv"})
        assert table.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(table.text)))
        assert all(datetime.fromisoformat(row["asked_at"]).utcoffset() == timedelta(0) for row in rows)
        # A spreadsheet would take it for a formula, in this width too.
        assert [row["answer"] for row in rows] == ["", "'＝So."]


@pytest.mark.parametrize(
    ("cmd", "data"),
    [
        ("live.upvote", {"question": "a\0"}),
        ("live.answer", {"question": "a\0"}),
        ("live.dismiss", {"question": "a\0"}),
        ("live.vote", {"poll": "a\0", "options": [0]}),
        ("live.close_poll", {"poll": "a\0"}),
        ("live.lower_hand", {"user": "a\0"}),
        ("live.invite", {"user": "a\0"}),
        ("live.admit", {"user": "a\0"}),
        ("live.promote", {"user": "a\0", "role": "viewer"}),
        ("live.unban", {"user": "a\0"}),
        ("chat.send", {"text": "hi", "mentions": ["a\0"]}),
        ("chat.mute", {"user": "ada", "reason": "a\0"}),
        ("chat.unmute", {"user": "a\0"}),
        ("chat.clear", {"user": "a\0"}),
        ("chat.react", {"seq": 1, "emoji": "a\0"}),
    ],
)
async def test_what_the_database_cannot_hold_is_invalid(
    nodes: Sequence[Running], token: MakeToken, room: str, cmd: str, data: Message
) -> None:
    async with people(nodes[0], token, MENTOR) as (mentor,):
        await mentor.join(room)
        assert await refusal(mentor, room, cmd, **data) == "invalid"


@pytest.mark.parametrize("what", ["questions", "polls", "moderation"])
async def test_what_is_no_session_s_id_is_invalid(nodes: Sequence[Running], token: MakeToken, what: str) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token(MENTOR, 'mentor')}"}) as http:
        assert (await http.get(f"{nodes[0].url}/api/v1/sessions/a%00/{what}")).status_code == 400


async def test_who_asked_can_be_hidden_from_hosts_too(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    environ = {"KSMP_LIVE_ASKERS_SHOWN": "false"}
    async with gateway(environ=environ) as node, people(node, token, MENTOR, "ada") as (mentor, ada):
        await enter([mentor, ada], room)
        await mentor.join(staff(room))
        await do(ada, room, "live.ask", text="Why?", anonymous=True)
        await mentor.expect_push("live.question", room)
        assert (await snapshot(mentor, staff(room)))["parts"]["live.askers"] == {"askers": {}}
        path = f"{node.url}/api/v1/sessions/{room.removeprefix('session:')}/questions"
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token(MENTOR, 'mentor')}"}) as http:
            assert (await http.get(path)).json()["items"][0]["asker"] is None
            assert '"ada"' not in (await http.get(path, params={"format": "csv"})).text.lower()
        assert mentor.pushes("live.asker") == []


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
        rows = list(csv.DictReader(io.StringIO((await http.get(path, headers=hosts, params={"format": "csv"})).text)))
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
    """By two gateways, one of which never counts what it scheduled, as if it had died."""
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
        # The pace is that of the session, not of a gateway: the other one's turn has not come.
        await mentor.expect_push("live.poll_tally", room)
        live: Any = next(module for module in two.gateway.modules if module.name == "live")
        session, tally = room.removeprefix("session:"), live.room.polls.tally
        assert await live.room.vote_counter.count_now(session, "polls", tally) is False
        started = await database.fetchval("SELECT clock_timestamp()")
        # Nobody closes it: its time does, once, with everything that was voted.
        await eventually(lambda: datas(mentor, "live.poll", room)[-1]["poll"]["state"] == "closed", "its time", 20.0)
        assert await database.fetchval("SELECT clock_timestamp()") > started
        closed = [data["poll"] for data in datas(mentor, "live.poll", room)]
        assert [one["state"] for one in closed] == ["open", "closed"]
        assert (closed[-1]["counts"], closed[-1]["voters"]) == ([6, 6], 12)
        tallies = mentor.pushes("live.poll_tally", room)
        # The count that closing makes may come at once.
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
        # With the quotes: the ids are hexadecimal.
        assert '"ada"' not in seen.lower()
        path = f"{nodes[0].url}/api/v1/sessions/{room.removeprefix('session:')}/polls"
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token(MENTOR, 'mentor')}"}) as http:
            found = (await http.get(path)).json()["items"]
            ballots = [(await http.get(f"{path}/{item['id']}/ballots")).json() for item in found]
        assert (ballots[0]["code"], ballots[1]) == ("not_found", {"items": [], "next": None})
        assert found[0]["counts"] == [0, 1]
        # Not even in the rows: the votes are gone, and what made voters of users.
        assert await database.fetch("SELECT * FROM live_vote WHERE poll_id = $1", poll) == []
        assert await database.fetchval("SELECT secret FROM live_poll WHERE id = $1", poll) is None


async def test_reactions_are_added_up(nodes: Sequence[Running], token: MakeToken, room: str) -> None:
    one, two = nodes
    async with people(one, token, "ada", "bob") as (ada, bob), people(two, token, "cleo") as (cleo,):
        await enter([ada, bob, cleo], room)
        palette = (await snapshot(ada, room))["parts"]["live.reactions"]["emoji"]
        assert "👏" in palette
        assert await refusal(ada, room, "live.react", emoji="x") == "invalid"
        for client in (ada, bob, cleo):
            for emoji in (*"👏👏👏", "👍"):
                await do(client, room, "live.react", emoji=emoji)

        def total() -> dict[str, int]:
            sums: dict[str, int] = {}
            for data in datas(bob, "live.reactions", room):
                for emoji, count in data["counts"].items():
                    sums[emoji] = sums.get(emoji, 0) + count
            return sums

        await eventually(lambda: total() == {"👏": 9, "👍": 3}, "all reactions")
        assert len(bob.pushes("live.reactions", room)) < 12
        assert all("seq" not in push for push in bob.pushes("live.reactions", room))
        many = await asyncio.gather(
            *(do(ada, room, "live.react", emoji="👍") for _ in range(30)), return_exceptions=True
        )
        assert {one.code for one in many if isinstance(one, WireError)} == {"rate_limited"}


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
    # Whichever gateway takes the events.
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


async def test_every_limit_is_a_setting(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    environ = {
        "KSMP_LIVE_SNAPSHOT_RATE_COUNT": "1",
        "KSMP_LIVE_SNAPSHOT_RATE_SECONDS": "1000",
        "KSMP_LIVE_HAND_RATE_COUNT": "1",
        "KSMP_LIVE_HAND_RATE_SECONDS": "1000",
        "KSMP_LIVE_ANSWER_CHARACTERS": "3",
        "KSMP_LIVE_QUESTIONS": "1",
        "KSMP_LIVE_QUESTIONS_EVER": "1",
        "KSMP_LIVE_ASK_RATE_COUNT": "2",
        "KSMP_LIVE_ASK_RATE_SECONDS": "1000",
        "KSMP_LIVE_ANONYMOUS_QUESTIONS": "false",
        "KSMP_LIVE_POLLS": "1",
        "KSMP_LIVE_POLL_CHARACTERS": "9",
        "KSMP_LIVE_POLL_OPTIONS": "2",
        "KSMP_LIVE_OPTION_CHARACTERS": "3",
        "KSMP_LIVE_POLL_LONGEST": "60",
        "KSMP_LIVE_VOTE_RATE_COUNT": "1",
        "KSMP_LIVE_VOTE_RATE_SECONDS": "1000",
        "KSMP_LIVE_REACTIONS": "x,y",
        "KSMP_LIVE_REACTION_RATE_COUNT": "1",
        "KSMP_LIVE_REACTION_RATE_SECONDS": "1000",
    }
    poll: Message = {"question": "Question?", "options": ["yes", "no"]}
    async with gateway(environ=environ) as node, people(node, token, MENTOR, "ada") as (mentor, ada):
        await enter([mentor, ada], room)
        for cmd, data in (("live.raise_hand", {}), ("live.react", {"emoji": "y"}), ("live.snapshot", {})):
            await do(ada, room, cmd, **data)
            assert await refusal(ada, room, cmd, **data) == "rate_limited"
        assert await refusal(ada, room, "live.ask", text="Why?", anonymous=True) == "live.not_anonymous"
        question = (await do(ada, room, "live.ask", text="Why?"))["question"]
        assert await refusal(ada, room, "live.ask", text="How?") == "rate_limited"
        assert await refusal(mentor, room, "live.ask", text="How?") == "live.too_many_questions"
        assert await refusal(mentor, room, "live.answer", question=question, text="Four") == "too_large"
        assert await refusal(mentor, room, "live.open_poll", **poll | {"question": "0123456789"}) == "too_large"
        assert await refusal(mentor, room, "live.open_poll", **poll | {"options": ["yes", "nope"]}) == "too_large"
        assert await refusal(mentor, room, "live.open_poll", **poll | {"options": ["a", "b", "c"]}) == "invalid"
        assert await refusal(mentor, room, "live.open_poll", **poll | {"seconds": 61}) == "invalid"
        opened = await do(mentor, room, "live.open_poll", **poll)
        await do(mentor, room, "live.close_poll", poll=opened["poll"])
        assert await refusal(mentor, room, "live.open_poll", **poll) == "live.too_many_polls"
        await do(ada, room, "live.upvote", question=question)
        assert await refusal(ada, room, "live.upvote", question=question) == "rate_limited"
        vote = {"poll": opened["poll"], "options": [0]}
        assert await refusal(ada, room, "live.vote", **vote) == "live.poll_closed"
        assert await refusal(ada, room, "live.vote", **vote) == "rate_limited"
        # Those that were dismissed count, too.
        await do(mentor, room, "live.dismiss", question=question)
        assert await refusal(mentor, room, "live.ask", text="How?") == "live.too_many_questions"


def test_a_mark_is_never_too_long_for_the_video() -> None:
    assert len(poll_mark(PollOpened("s", "p", "ü" * 3000)).encode()) <= METADATA_BYTES
    assert "?" in poll_mark(PollOpened("s", "p", "Why?"))
