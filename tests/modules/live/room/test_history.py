"""A snapshot at any time, and the pushes after it, give what a fresh snapshot gives."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.socket_client import WireClient, WireError
from tests.modules.classroom import MENTOR, Replica, do, lobby, people, snapshot, staff

# The parts whose pushes follow the rule on the room's page. Attendance is counted, and chat has rules of its own.
RULED = {
    *("live.session", "live.options", "live.hands", "live.questions", "live.polls", "live.reactions"),
    *("live.my_questions", "live.my_votes", "live.askers", "live.staff_polls"),
    *("live.bans", "live.guests", "live.away"),
}
# The last one is taken out and let in again, and does little else.
USERS = (MENTOR, "ada", "bob", "cleo", "dan")
DAN = len(USERS) - 1

who = st.integers(0, DAN - 1)
which = st.integers(0, 2)
flag = st.booleans()
scope = st.sampled_from(["session", "program"])
STEPS = st.one_of(
    st.tuples(st.just("live.raise_hand"), who, st.just({})),
    st.tuples(st.just("live.lower_hand"), who, st.just({})),
    st.tuples(st.just("live.invite"), st.just(0), st.just({"user": "dan"})),
    st.tuples(st.just("live.raise_hand"), st.just(DAN), st.just({})),
    st.tuples(st.sampled_from(["live.kick", "live.unban", "live.admit"]), st.just(0), st.just({"user": "dan"})),
    st.tuples(st.just("live.ban"), st.just(0), st.fixed_dictionaries({"user": st.just("dan"), "scope": scope})),
    st.tuples(st.just("live.unban"), st.just(0), st.fixed_dictionaries({"user": st.just("dan"), "scope": scope})),
    st.tuples(st.just("live.knock"), st.just(DAN), st.just({})),
    st.tuples(st.just("live.away"), who, st.fixed_dictionaries({"away": flag})),
    st.tuples(st.just("live.configure"), st.just(0), st.fixed_dictionaries({"lobby": flag, "attention": flag})),
    st.tuples(st.just("live.lower_hands"), st.just(0), st.just({})),
    st.tuples(st.just("live.ask"), who, st.fixed_dictionaries({"text": st.just("Why?"), "anonymous": flag})),
    st.tuples(st.just("live.upvote"), who, st.fixed_dictionaries({"question": which})),
    st.tuples(st.just("live.answer"), st.just(0), st.fixed_dictionaries({"question": which, "text": st.just("So.")})),
    st.tuples(st.just("live.dismiss"), st.just(0), st.fixed_dictionaries({"question": which})),
    st.tuples(
        st.just("live.open_poll"),
        st.just(0),
        st.fixed_dictionaries(
            {
                "question": st.just("Which?"),
                "options": st.just(["a", "b", "c"]),
                "multiple": flag,
                "correct": st.sampled_from([None, [1]]),
                "anonymous": flag,
                "revote": flag,
                "shown": flag,
            }
        ),
    ),
    st.tuples(
        st.just("live.vote"), who, st.fixed_dictionaries({"poll": which, "options": st.sampled_from([[0], [2]])})
    ),
    st.tuples(st.just("live.close_poll"), st.just(0), st.fixed_dictionaries({"poll": which})),
    st.tuples(st.just("live.configure"), st.just(0), st.fixed_dictionaries({"anonymous_questions": flag})),
    # A user comes and takes a snapshot.
    st.tuples(st.just("come"), st.sampled_from([0, 1]), st.just({})),
)
# Errors that a step may be answered. Other tests are about their rules.
REFUSED = {"not_found", "live.poll_closed", "live.already_voted", "live.question_closed", "live.not_anonymous"}
REFUSED |= {"live.too_many_polls", "live.attention_off", "not_joined"}


@pytest.fixture(scope="module")
async def lesson(gateway: MakeGateway, token: MakeToken) -> AsyncIterator[list[WireClient]]:
    unlimited = {f"KSMP_LIVE_{name}_RATE_COUNT": "100000" for name in ("HAND", "ASK", "VOTE", "AWAY", "SNAPSHOT")}
    environ = {**unlimited, "KSMP_LIVE_TALLY_INTERVAL": "0.02"}
    quick: dict[str, Any] = {"command_rate": 100000.0, "command_burst": 100000}
    async with gateway(environ=environ, **quick) as node, people(node, token, *USERS) as clients:
        yield clients


async def enter_all(lesson: list[WireClient], room: str) -> None:
    for client in lesson:
        await client.join(room)
    await lesson[0].join(staff(room))
    await lesson[DAN].join(lobby(room))


async def play(lesson: list[WireClient], room: str, history: list[tuple[str, int, dict[str, Any]]]) -> list[Replica]:
    """Do what the history says; gives a replica of each room for each time that a user came."""
    came: list[tuple[WireClient, int, Replica]] = []
    known: dict[str, list[str]] = {"question": [], "poll": []}
    for cmd, actor, data in history:
        client = lesson[actor]
        if cmd == "come":
            for one in (room, staff(room)) if actor == 0 else (room,):
                # A push that comes while the snapshot is read is received before it, and must be applied too.
                received = len(client.received)
                came.append((client, received, Replica(await snapshot(client, one))))
            continue
        named = {
            name: ids[data[name]] if data[name] < len(ids) else "none"
            for name, ids in known.items()
            if isinstance(data.get(name), int)
        }
        try:
            ok = await do(client, lobby(room) if cmd == "live.knock" else room, cmd, **data | named)
        except WireError as error:
            if error.code not in REFUSED:
                raise
            continue
        for name, ids in known.items():
            if name in ok:
                ids.append(ok[name])

    differ: list[Any] = []

    async def agree() -> bool:
        """Apply the pushes since the last look; whether the result is what a fresh snapshot says."""
        for number, (client, applied, replica) in enumerate(came):
            fresh = await snapshot(client, replica.room)
            for message in client.received[applied:]:
                if "push" in message:
                    replica.apply(message)
            came[number] = (client, len(client.received), replica)
            other = [name for name, part in fresh["parts"].items() if name in RULED and replica.parts[name] != part]
            if other:
                differ[:] = [(replica.room, name, replica.parts[name], fresh["parts"][name]) for name in other]
                return False
        return True

    try:
        await eventually(agree, f"the same state after {history}", timeout=10.0)
    except AssertionError as error:
        raise AssertionError(f"{error}; {differ}") from None
    return [replica for _, _, replica in came]


# Shrinking would take minutes, because each example is a whole lesson. A failure prints what was done in it.
@settings(
    max_examples=25,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(STEPS, min_size=8, max_size=25))
async def test_a_snapshot_and_the_pushes_after_it(
    lesson: list[WireClient], create_session: CreateSession, history: list[tuple[str, int, dict[str, Any]]]
) -> None:
    room = f"session:{await create_session(open=False, enrolled=USERS[1:])}"
    await enter_all(lesson, room)
    try:
        first = [("come", 0, {}), ("come", 1, {})]
        await play(lesson, room, [*first, *history])
    finally:
        for client in lesson:
            for place in (room, staff(room), lobby(room)):
                with contextlib.suppress(WireError):
                    await client.call("leave", room=place)


async def test_a_history_in_which_everything_happens(
    lesson: list[WireClient], create_session: CreateSession, node: Running
) -> None:
    """The same of one history in which nothing is refused."""
    room = f"session:{await create_session(open=False, enrolled=USERS[1:])}"
    await enter_all(lesson, room)
    poll = {"question": "Which?", "options": ["a", "b"], "correct": [1], "anonymous": True, "shown": False}
    history: list[tuple[str, int, dict[str, Any]]] = [
        ("come", 0, {}),
        ("come", 1, {}),
        ("live.raise_hand", 2, {}),
        ("live.raise_hand", 1, {}),
        ("live.ask", 1, {"text": "Why?", "anonymous": True}),
        ("live.ask", 2, {"text": "How?"}),
        ("live.open_poll", 0, poll),
        ("come", 1, {}),
        ("live.upvote", 1, {"question": 1}),
        ("live.upvote", 3, {"question": 1}),
        ("live.vote", 1, {"poll": 0, "options": [1]}),
        ("live.vote", 3, {"poll": 0, "options": [0]}),
        ("live.raise_hand", DAN, {}),
        ("live.invite", 0, {"user": "dan"}),
        ("live.configure", 0, {"lobby": True, "attention": True}),
        ("live.away", 1, {"away": True}),
        ("live.kick", 0, {"user": "cleo"}),
        ("come", 0, {}),
    ]
    replicas = await play(lesson, room, history)
    ada = next(one for one in replicas if one.room == room and "live.my_votes" in one.parts and one is replicas[3])
    hands = ada.parts["live.hands"]["hands"]
    assert [(hand["user"]["id"], hand["state"]) for hand in hands] == [
        ("bob", "raised"),
        ("ada", "raised"),
        ("dan", "invited"),
    ]
    questions = ada.parts["live.questions"]["questions"]
    assert [(one["text"], one["votes"], one.get("author", {}).get("id")) for one in questions] == [
        ("How?", 2, "bob"),
        ("Why?", 0, None),
    ]
    (shown,) = ada.parts["live.polls"]["polls"]
    assert {"correct", "counts", "voters"}.isdisjoint(shown)
    assert ada.parts["live.my_votes"]["votes"] == {shown["id"]: []}
    hidden = next(one for one in replicas if one.room == staff(room))
    (seen,) = hidden.parts["live.staff_polls"]["polls"]
    assert (seen["correct"], seen["counts"], seen["voters"]) == ([1], [1, 1], 2)
    assert hidden.parts["live.away"]["users"] == [{"id": "ada", "name": "Ada"}]
    assert [(ban["user"], ban["scope"]) for ban in hidden.parts["live.bans"]["bans"]] == [("cleo", "session")]
    assert hidden.parts["live.askers"]["askers"] == {questions[1]["id"]: {"id": "ada", "name": "Ada"}}
