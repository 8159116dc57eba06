"""What holds for every part of the room: repeats, limits, and values that the database cannot hold."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import httpx
import pytest

from ksmp_testkit import MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.socket_client import Message, WireError
from tests.modules.classroom import MENTOR, YES_NO, do, enter, people, refusal


async def test_a_repeat_is_answered_as_the_first_on_any_gateway(
    nodes: Sequence[Running], token: MakeToken, room: str, database: asyncpg.Pool
) -> None:
    one, two = nodes
    async with people(one, token, MENTOR, "ada") as (mentor, ada), people(two, token, "ada") as (tab,):
        await enter([mentor, ada, tab], room)
        first = await do(ada, room, "live.ask", text="Why?", nonce="n1")
        # The reply was lost, the tab is on another gateway, and the user has reached the limit meanwhile.
        await do(ada, room, "live.ask", text="And how?", nonce="n2")
        assert await refusal(tab, room, "live.ask", text="Who?") == "live.too_many_questions"
        assert await do(tab, room, "live.ask", text="Why?", nonce="n1") == {**first, "duplicate": True}
        poll = (await do(mentor, room, "live.open_poll", **YES_NO, nonce="p1"))["poll"]
        # At the same time on both gateways: it is one vote, and all get its reply.
        votes = await asyncio.gather(
            *(do(client, room, "live.vote", poll=poll, options=[0], nonce="v1") for client in (ada, tab) for _ in "123")
        )
        assert [vote["rev"] for vote in votes] == [1] * 6
        assert sum(vote.get("duplicate", False) for vote in votes) == 5
        # Another nonce is another vote.
        assert await refusal(tab, room, "live.vote", poll=poll, options=[1]) == "live.already_voted"
        # A failure is not remembered: a repeat is another try.
        await do(mentor, room, "live.close_poll", poll=poll)
        lost = {"poll": poll, "options": [0], "nonce": "late"}
        with pytest.raises(WireError, match=r"live\.poll_closed"):
            await do(ada, room, "live.vote", **lost)
        with pytest.raises(WireError, match=r"live\.poll_closed"):
            await do(tab, room, "live.vote", **lost)
        await eventually(lambda: len(ada.pushes("live.question", room)) == 2, "both questions")
        assert await database.fetchval("SELECT count(*) FROM live_vote WHERE poll_id = $1", poll) == 1


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
        # Dismissed questions count too.
        await do(mentor, room, "live.dismiss", question=question)
        assert await refusal(mentor, room, "live.ask", text="How?") == "live.too_many_questions"
