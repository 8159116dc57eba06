"""Restrictions and evictions hold on every node, soon and for their time, whatever breaks."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway import failpoint
from gateway.bus import log_record
from gateway.errors import BadInput, Refused, Restricted, Unavailable
from gateway.protocol.names import room_name
from gateway.realtime.cluster_state import ROOM
from gateway.realtime.evictions import Eviction
from ksmp_testkit import eventually
from tests.realtime.node import Node, Viewer, node

BOTH = ["test.ask", "test.say"]


@pytest.fixture
async def near(nats: tuple[str, ...], postgres: str) -> AsyncIterator[Node]:
    async with node(nats, postgres, moderated=True) as running:
        yield running


@pytest.fixture
async def far(nats: tuple[str, ...], postgres: str) -> AsyncIterator[Node]:
    """A node that reads the rows so seldom that its facts came through the room."""
    async with node(nats, postgres, moderated=True, fact_interval=3600.0) as running:
        yield running


@pytest.fixture
def room() -> str:
    return f"test:{uuid.uuid4().hex}"


@pytest.fixture
def user() -> str:
    return f"user-{uuid.uuid4().hex}"


def after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def told(viewer: Viewer, push: str = "can") -> list[object]:
    """The data of the pushes of this name since the join."""
    return [message["data"] for message in viewer.sink.messages if message["push"] == push]


def refused(node: Node, room: str, user: str, command: str = "test.say") -> Restricted | None:
    try:
        node.restrictions.require_allowed(room, user, command)
    except Restricted as error:
        return error
    return None


def kept_out(node: Node, room: str, user: str) -> bool:
    try:
        node.evictions.require_admitted(room, user)
    except Restricted:
        return True
    return False


def people(node: Node, room: str) -> list[str]:
    found = node.hub.room(room)
    assert found is not None
    assert found.presence is not None
    return [person.id for person in found.presence.people()]


# Restrictions


async def test_a_restriction_holds_on_every_node_and_ends_by_itself(
    near: Node, far: Node, room: str, user: str, capsys: pytest.CaptureFixture[str]
) -> None:
    viewers = [await near.viewer(room, user=user), await far.viewer(room, user=user)]
    others = [await near.viewer(room, user="other"), await far.viewer(room, user="other")]
    assert [viewer.result.can for viewer in viewers if viewer.result] == [BOTH, BOTH]
    started = time.perf_counter()
    until = after(1.0)
    await near.rooms.restrict(room, user, ["test.say"], until)
    assert refused(near, room, user) is not None
    await eventually(lambda: refused(far, room, user) is not None, "the other node knows")
    with capsys.disabled():
        print(f"\n  a restriction holds on another node after {(time.perf_counter() - started) * 1000:.1f} ms")
    error = refused(far, room, user)
    assert error is not None
    assert (error.code, error.temporary) == ("forbidden", True)
    assert error.retry_after is not None
    assert 0.0 < error.retry_after <= 1.0
    assert refused(far, room, user, "test.ask") is None
    assert refused(far, room, "other") is None
    for viewer in viewers:
        await eventually(lambda viewer=viewer: told(viewer) == [{"can": ["test.ask"]}], "told what is left")
    assert (await far.viewer(room, user=user)).result.can == ["test.ask"]  # type: ignore[union-attr]
    for viewer in viewers:
        await eventually(lambda viewer=viewer: told(viewer)[1:] == [{"can": BOTH}], "told that it is over")
    assert datetime.now(UTC) >= until
    assert refused(near, room, user) is None
    assert refused(far, room, user) is None
    assert [told(viewer) for viewer in others] == [[], []]


async def test_a_restriction_without_an_end_is_lifted(near: Node, far: Node, room: str, user: str) -> None:
    viewer = await far.viewer(room, user=user)
    await near.rooms.restrict(room, user, BOTH, None)
    await eventually(lambda: told(viewer) == [{"can": []}], "told")
    error = refused(far, room, user)
    assert error is not None
    assert (error.temporary, error.retry_after) == (False, None)
    await far.rooms.lift(room, user)
    await eventually(lambda: told(viewer)[1:] == [{"can": BOTH}], "told that it was lifted")
    await eventually(lambda: refused(near, room, user) is None, "lifted on the other node")


async def test_restrictions_of_other_names_stand_beside_each_other(near: Node, room: str, user: str) -> None:
    """The short wait of a slow mode does not end a long mute."""
    viewer = await near.viewer(room, user=user)
    await near.rooms.restrict(room, user, ["test.say"], None, name="mute")
    await near.rooms.restrict(room, user, ["test.say"], after(0.2), name="slow")
    await near.rooms.restrict(room, user, ["test.ask", "test.say"], after(60), name="other")
    await near.rooms.lift(room, user, name="other")
    await near.rooms.lift(room, user, name="slow")
    assert refused(near, room, user) is not None
    await near.rooms.lift(room, user, name="mute")
    assert refused(near, room, user) is None
    assert told(viewer) == [{"can": ["test.ask"]}, {"can": []}, {"can": ["test.ask"]}, {"can": BOTH}]


async def test_a_time_that_has_passed_lifts(near: Node, room: str, user: str) -> None:
    await near.rooms.restrict(room, user, ["test.say"], None)
    await near.rooms.restrict(room, user, ["test.say"], after(-1))
    assert refused(near, room, user) is None


async def test_typing_can_be_taken_away(near: Node, room: str, user: str) -> None:
    await near.rooms.restrict(room, user, ["typing"], None)
    assert refused(near, room, user, "typing") is not None
    assert (await near.viewer(room, user=user)).result.can == BOTH  # type: ignore[union-attr]


async def test_what_cannot_be_a_restriction(near: Node, room: str, user: str) -> None:
    with pytest.raises(ValueError, match=r"no command chat\.send"):
        await near.rooms.restrict(room, user, ["chat.send"], None)
    with pytest.raises(ValueError, match="zone"):
        await near.rooms.restrict(room, user, ["test.say"], datetime.now())
    with pytest.raises(ValueError, match="no name"):
        await near.rooms.restrict(room, user, ["test.say"], None, name="a b")
    for bad_room, bad_user in ((room, "a b"), ("nowhere", user)):
        with pytest.raises(BadInput):
            await near.rooms.restrict(bad_room, bad_user, [], None)


# Evictions


async def test_an_evicted_user_leaves_every_node_and_is_refused_until_readmitted(
    near: Node, far: Node, room: str, user: str
) -> None:
    viewers = [await near.viewer(room, user=user), await far.viewer(room, user=user), await far.viewer(room, user=user)]
    witness = await far.viewer(room)
    for one in (near, far):
        await eventually(lambda one=one: people(one, room) == [user, witness.member.user.id], "both are there")
    await near.rooms.evict(room, user, "test.rude")
    for viewer in viewers:
        await eventually(
            lambda viewer=viewer: told(viewer, "left") == [{"code": "test.rude", "rejoin": False}], "told to leave"
        )
        assert room not in viewer.member.rooms
    seq = await near.say(room, "behind the door")
    await eventually(lambda: witness.texts == ["behind the door"], "the others go on")
    assert [viewer.pushes for viewer in viewers] == [[], [], []]
    for viewer in viewers:
        # The earlier grant does not let the user in again.
        with pytest.raises(Refused) as caught:
            await viewer.join(room)
        assert (caught.value.code, caught.value.retry_after) == ("forbidden", None)
    with pytest.raises(Refused):
        await far.grants.role(viewers[0].member.user, room_name(room))
    # Long before the grace is over.
    for one in (near, far):
        await eventually(lambda one=one: people(one, room) == [witness.member.user.id], "gone", timeout=3.0)
    await far.rooms.readmit(room, user)
    await eventually(lambda: not kept_out(near, room, user), "let in again")
    result = await viewers[0].join(room, since=near.position(seq - 1))
    assert result.recovered


async def test_who_may_rejoin_is_granted_anew(near: Node, far: Node, room: str, user: str) -> None:
    viewer = await far.viewer(room, user=user)
    await near.rooms.evict(room, user, "test.moved", rejoin=True)
    await eventually(lambda: told(viewer, "left") == [{"code": "test.moved", "rejoin": True}], "told to leave")
    far.owner = near.owner = Unavailable("the database is away")
    # The grant from before is not used, neither the one held here nor another node's.
    with pytest.raises(Unavailable):
        await viewer.join(room)
    far.owner = "member"
    assert (await viewer.join(room)).members == 1


async def test_whoever_is_taken_out_while_joining_gets_in_with_the_role_of_afterwards(
    near: Node, far: Node, room: str, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extend, asked, goes_on = far.hub.backfill.extend_by, asyncio.Event(), asyncio.Event()

    async def slow(*what: Any) -> None:
        asked.set()
        await goes_on.wait()
        await extend(*what)

    monkeypatch.setattr(far.hub.backfill, "extend_by", slow)
    far.owner = "host"
    joining = asyncio.create_task(far.viewer(room, user=user, history=1))
    await asyncio.wait_for(asked.wait(), 10.0)
    far.owner = "member"
    await near.rooms.evict(room, user, "test.role", rejoin=True)
    await eventually(lambda: far.evictions.last(room, user) > 0, "the other node has heard of it")
    goes_on.set()
    viewer = await joining
    assert viewer.member.rooms[room].role == "member"


async def test_an_eviction_ends_by_itself(near: Node, far: Node, room: str, user: str) -> None:
    await near.rooms.evict(room, user, "test.pause", until=after(0.5))
    await eventually(lambda: kept_out(far, room, user), "kept out")
    with pytest.raises(Restricted) as caught:
        await far.viewer(room, user=user)
    assert caught.value.temporary
    await eventually(lambda: not kept_out(far, room, user), "over", timeout=3.0)
    await far.viewer(room, user=user)


async def test_who_is_evicted_while_joining_does_not_get_in(near: Node, far: Node, room: str, user: str) -> None:
    failpoint.set("open.pause", None, delay=0.5)
    joining = asyncio.create_task(far.viewer(room, user=user))
    await asyncio.sleep(0.1)
    assert str(room) in far.hub._rooms
    await near.rooms.evict(room, user, "test.rude")
    with pytest.raises(Refused):
        await joining


# Members


async def test_members_are_those_of_all_nodes(near: Node, far: Node, room: str) -> None:
    for who, where in (("a", near), ("b", near), ("b", far), ("c", far)):
        await where.viewer(room, user=who)
    await eventually(lambda: near.hub.room(room).presence.count == 3, "all are known")  # type: ignore[union-attr]
    assert [person.id for person in await near.rooms.members(room)] == ["a", "b", "c"]


async def test_members_of_a_room_that_nobody_here_is_in(near: Node, far: Node, room: str) -> None:
    await far.viewer(room, user="a")
    # The user's node has told the other nodes.
    await eventually(lambda: not far.hub.room(room).presence._untold, "told")  # type: ignore[union-attr]
    assert [person.id for person in await near.rooms.members(room)] == ["a"]
    assert await near.rooms.members(f"test:{uuid.uuid4().hex}") == []


# Whatever breaks


async def test_it_survives_the_restart_of_every_node(
    nats: tuple[str, ...], postgres: str, room: str, user: str
) -> None:
    async with node(nats, postgres, moderated=True) as first:
        await first.rooms.restrict(room, user, ["test.say"], after(3600))
        await first.rooms.restrict(room, user, ["test.ask"], after(3600), name="lifted")
        await first.rooms.lift(room, user, name="lifted")
        await first.rooms.evict(room, "evicted", "test.rude")
    async with node(nats, postgres, moderated=True) as second:
        assert refused(second, room, user) is not None
        assert refused(second, room, user, "test.ask") is None
        assert kept_out(second, room, "evicted")


async def test_a_node_that_was_cut_off_knows_when_it_is_back(near: Node, far: Node, room: str, user: str) -> None:
    viewer = await far.viewer(room, user=user)
    failpoint.set("republish.drop", lambda message: message._client is far.bus.client)
    await near.rooms.restrict(room, user, ["test.say"], None)
    await near.rooms.evict(room, "evicted", "test.rude")
    failpoint.clear()
    assert refused(far, room, user) is None
    far.bus.client._transport._io_writer.transport.abort()  # type: ignore[union-attr]
    await eventually(lambda: refused(far, room, user) is not None, "the gap was read")
    await eventually(lambda: kept_out(far, room, "evicted"), "the gap was read to its end")
    assert told(viewer) == [{"can": ["test.ask"]}]


async def test_what_the_room_does_not_tell_is_found_among_the_rows(near: Node, far: Node, room: str, user: str) -> None:
    """The relay does not run, as after it was killed or while the log elects a leader."""
    failpoint.set("republish.drop", lambda message: True)
    await far.rooms.restrict(room, user, ["test.say"], None)
    await eventually(lambda: refused(near, room, user) is not None, "found among the rows")


async def test_inside_a_transaction_it_holds_when_that_commits(near: Node, far: Node, room: str, user: str) -> None:
    with contextlib.suppress(KeyError):
        async with near.database.transaction():
            await near.rooms.restrict(room, "nobody", ["test.say"], None)
            raise KeyError
    async with near.database.transaction():
        await near.rooms.restrict(room, user, ["test.say"], None)
        await asyncio.sleep(1.0)
        assert refused(near, room, user) is None
        assert refused(far, room, user) is None
    for one in (near, far):
        await eventually(lambda one=one: refused(one, room, user) is not None, "it holds")
        assert refused(one, room, "nobody") is None


async def test_without_postgresql_the_log_tells_a_node_that_starts(
    near: Node, far: Node, nats: tuple[str, ...], room: str, user: str
) -> None:
    await near.rooms.restrict(room, user, ["test.say"], None)
    await near.rooms.restrict(room, user, ["test.ask"], None, name="lifted")
    await near.rooms.lift(room, user, name="lifted")
    await near.rooms.evict(room, user, "test.last")
    await eventually(lambda: kept_out(far, room, user), "told")
    async with node(nats, "postgresql://ksmp@127.0.0.1:1/ksmp", moderated=True, relay=False) as other:
        assert refused(other, room, user) is not None
        assert refused(other, room, user, "test.ask") is None
        with pytest.raises(Unavailable):
            await other.rooms.lift(room, user)
        # Known facts hold.
        assert refused(other, room, user) is not None


async def tell(node: Node, fact: msgspec.Struct) -> None:
    """What the relay would send of a fact."""
    body = log_record.encode_payload("system.fact", msgspec.json.encode(fact), author=None, nonce=None)
    await node.rooms.send(ROOM, body, uuid.uuid4().hex)


async def test_an_older_version_that_comes_late_changes_nothing(near: Node, far: Node, room: str, user: str) -> None:
    await near.rooms.restrict(room, user, ["test.say"], None)
    held = near.cluster_state._known["restriction", f"{room} {user} restriction"]
    await near.rooms.lift(room, user)
    await tell(near, held)
    await near.rooms.evict(room, user, "test.last")
    await eventually(lambda: kept_out(far, room, user), "all of it was heard")
    assert refused(near, room, user) is None
    assert refused(far, room, user) is None


async def test_what_was_lifted_and_pruned_is_forgotten(near: Node, far: Node, room: str, user: str) -> None:
    """A node that was away for days reads all rows. Facts without a row are over."""
    await near.rooms.restrict(room, user, ["test.say"], None)
    await eventually(lambda: refused(far, room, user) is not None, "known")
    await near.database.engine.pool.execute("DELETE FROM fact WHERE key = $1", f"{room} {user} restriction")  # type: ignore[union-attr]
    far.cluster_state._whole_at = None
    await far.cluster_state._look()
    assert refused(far, room, user) is None


async def test_what_is_over_for_long_is_pruned(near: Node, room: str, user: str) -> None:
    await near.rooms.restrict(room, user, ["test.say"], None, name="held")
    await near.rooms.restrict(room, user, ["test.say"], None, name="old")
    await near.rooms.lift(room, user, name="old")
    await near.rooms.evict(room, user, "test.moved", rejoin=True)
    pool = near.database.engine.pool
    assert pool is not None
    await pool.execute("UPDATE fact SET changed_at = now() - interval '2 hours' WHERE key LIKE $1", f"{room}%old")
    await pool.execute("UPDATE fact SET changed_at = now() - interval '2 hours' WHERE key LIKE $1", f"{room}%held")
    near.cluster_state._whole_at = None
    await near.cluster_state._look()
    keys = [row["key"] for row in await pool.fetch("SELECT key FROM fact WHERE key LIKE $1", f"{room}%")]
    assert sorted(keys) == sorted([f"{room} {user}", f"{room} {user} held"])


async def test_a_fact_that_cannot_be_read_stops_no_other(near: Node, far: Node, room: str, user: str) -> None:
    await tell(near, Eviction(room, user, "", rejoin=False))
    await near.rooms.restrict(room, user, ["test.say"], None)
    await eventually(lambda: refused(far, room, user) is not None, "the next one is heard")


async def test_another_life_of_the_log(near: Node, room: str, user: str, nats: tuple[str, ...], postgres: str) -> None:
    async with node(nats, postgres, moderated=True) as other:
        await other.hub._forget(str(ROOM), other.hub._rooms[str(ROOM)])
        await near.rooms.restrict(room, user, ["test.say"], None)
        await eventually(lambda: refused(other, room, user) is not None, "the rows tell")
        await eventually(lambda: getattr(other.hub.room(str(ROOM)), "follower", None) is not None, "followed again")
