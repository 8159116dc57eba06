"""The kit does what its page says, and its failures say what went wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import ksmp_testkit
from gateway import clock
from ksmp_testkit import Clients, CreateClass, MakeGateway, Running, WireError, plugin
from modules.live.events import SessionStarted
from tests.testkit.counters import Counters, CountersModule

PAGE = (Path(ksmp_testkit.__file__).parent / "README.md").read_text()


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(more=[CountersModule]) as running:
        yield running


@pytest.fixture
def counters(node: Running) -> Counters:
    return node.module(CountersModule).counters


async def test_a_timer_fires_when_it_is_told_to(node: Running, create_class: CreateClass, counters: Counters) -> None:
    lesson = await create_class()
    await lesson.student.command("counters.wait", {"text": "one"})
    (waiting,) = [one for one in await node.timers("counters.close") if one.key == lesson.id]
    assert waiting.payload == {"text": "one"}
    assert (waiting.at - clock.now()).total_seconds() > 3500
    await node.fire_timer("counters.close", lesson.id)
    assert lesson.id not in [one.key for one in await node.timers("counters.close")]
    await node.events_handled("counters.count")
    assert counters.counted.count("one") == 1
    with pytest.raises(AssertionError, match=f"no timer counters.close is set for {lesson.id}"):
        await node.fire_timer("counters.close", lesson.id)


async def test_a_timer_s_error_is_the_test_s(node: Running, create_class: CreateClass) -> None:
    lesson = await create_class()
    await lesson.student.command("counters.wait", {"text": "fail"})
    with pytest.raises(LookupError, match="no such counter"):
        await node.fire_timer("counters.close", lesson.id)
    # Its transaction was undone.
    assert lesson.id in [one.key for one in await node.timers("counters.close")]


async def test_a_listener_that_fails_is_named(
    node: Running, create_class: CreateClass, counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = await create_class()
    await lesson.student.command("counters.wait", {"text": "bad"})
    await node.fire_timer("counters.close", lesson.id)
    with pytest.raises(AssertionError, match="1 of counters.count") as caught:
        await node.events_handled(timeout=1.0)
    assert isinstance(caught.value.__cause__, LookupError)
    # Others wait for this listener.
    monkeypatch.setattr(counters, "strict", False)
    await node.events_handled("counters.count")


async def test_an_event_of_a_sibling(node: Running, counters: Counters) -> None:
    await node.publish_event(SessionStarted("s-1", "p-1", clock.now()))
    await node.events_handled("counters.start")
    assert counters.started == ["s-1"]
    with pytest.raises(AssertionError, match="no module of this gateway declares a listener counters.stop"):
        await node.events_handled("counters.stop")


async def test_people_of_a_class(create_class: CreateClass, clients: Clients) -> None:
    lesson = await create_class(students=2, open=False)
    ann, bob = lesson.students
    await ann.command("counters.say", {"text": "hello"})
    assert (await bob.expect_push("counters.said"))["from"]["id"] == ann.user
    assert (await lesson.mentor.expect_push("counters.said"))["data"] == {"text": "hello"}
    with pytest.raises(TimeoutError):
        await bob.expect_push("counters.said", timeout=0.1)
    with pytest.raises(AssertionError, match="counters.say was not refused"):
        await ann.refusal("counters.say", {"text": "again"})
    assert "live.session" in await lesson.snapshot(ann)
    assert (await lesson.mentor.rest.get(f"/api/v1/sessions/{lesson.id}")).status_code == 200
    # Who has no place in the program may not come in.
    with pytest.raises(WireError, match="forbidden"):
        await clients.member(lesson.room, "stranger")


def test_the_page_names_every_fixture() -> None:
    source = Path(plugin.__file__).read_text()
    fixtures = re.findall(r"@pytest\.fixture[^\n]*\n(?:async )?def (\w+)", source)
    inner = {"nothing_blocks", "servers_guard", "postgres_server", "issuer_folder", "issuer"}
    assert {name for name in fixtures if f"`{name}`" not in PAGE} == inner


def test_settings_of_pytest_that_are_missing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\nasyncio_mode = "auto"\n')
    command = [sys.executable, "-m", "pytest", "-p", "ksmp_testkit.plugin", "-c", str(tmp_path / "pyproject.toml")]
    done = subprocess.run([*command, str(tmp_path)], check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert 'ksmp_testkit needs asyncio_default_fixture_loop_scope = "session"' in done.stderr
