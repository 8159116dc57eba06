"""`ksmp dev --module --reload`: a folder's module is served, and what changes in it too."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devstack import ports, state
from devstack.checkup import environment_of, examine_dev
from devstack.state import State
from gateway import module_folders
from ksmp_client import Client, CommandFailed

from .waiting import until

MODULE = '''
import time
from pathlib import Path

import msgspec

from gateway.contract import Context, Kernel, Module, command


class Greeting(msgspec.Struct, frozen=True):
    text: str


class Nothing(msgspec.Struct, frozen=True):
    """No data."""


class Greetings:
    @command("greetings.greet", room="session", role="viewer")
    async def greet(self, context: Context, request: Nothing) -> Greeting:
        return Greeting("WORD")

    @command("greetings.block", room="session", role="viewer")
    async def block(self, context: Context, request: Nothing) -> Greeting:
        time.sleep(0.3)
        return Greeting("slept")


class GreetingsModule(Module):
    name = "greetings"
    requires = ("live",)
    migrations = Path(__file__).parent / "migrations"

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.features = (Greetings(),)
'''


class Run:
    """One `ksmp dev` with the module."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.source = folder / "ksmp_greetings" / "module.py"
        self.data = data
        self._output = folder / "output"
        (self.source.parent / "migrations").mkdir(parents=True)
        (self.source.parent / "__init__.py").touch()
        self.migration("0001_words", "CREATE TABLE greetings_word (word text)")
        self.write("hello")
        options = ["--port", str(ports.choose()), "--gateways", "1", "--no-cloud", "--reload"]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", "dev", "--data", str(data), "--module", str(folder), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._output.read_text()

    @property
    def state(self) -> State:
        return state.read(self.data / "dev.json")

    @property
    def log(self) -> str:
        return (self.data / "logs" / "gateway-1.log").read_text()

    def write(self, word: str) -> None:
        self.source.write_text(MODULE.replace('"WORD"', word if word.endswith("(") else repr(word)))

    def migration(self, name: str, text: str) -> None:
        (self.source.parent / "migrations" / f"{name}.sql").write_text(text)

    async def saying(self, text: str, times: int = 1) -> None:
        await until(lambda: self.said.count(text) >= times or self.process.poll() is not None, 60, text)
        assert self.process.poll() is None, self.said

    async def command(self, name: str) -> object:
        async with Client(self.state.gateways, token=self.state.tokens["student"]) as client:
            room = await client.join(self.state.room)
            return (await room.command(name, {}))["text"]


@pytest.fixture(scope="module")
async def run(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Run]:
    run = await asyncio.to_thread(Run, tmp_path_factory.mktemp("author"), tmp_path_factory.mktemp("dev"))
    try:
        await run.saying("Changes are watched for in ")
        yield run
    finally:
        run.process.send_signal(signal.SIGINT)
        await asyncio.to_thread(run.process.wait, 15)


async def test_a_folder_s_command_is_served(run: Run) -> None:
    assert await run.command("greetings.greet") == "hello"


async def test_the_doctor_knows_the_folder(run: Run) -> None:
    settings = environment_of(run.data, {})
    assert settings["KSMP_MODULE_PATHS"] == str(run.source.parent.parent)
    try:
        findings = await examine_dev(run.data, {})
    finally:
        # The doctor is a process of its own elsewhere. Here the folder would be installed for all later tests.
        module_folders.use(())
    assert all(finding.ok for finding in findings), findings
    assert "greetings" in str(findings[1])


async def test_what_holds_the_loop_is_in_the_log(run: Run) -> None:
    assert await run.command("greetings.block") == "slept"
    line = 1 + MODULE.splitlines().index("        time.sleep(0.3)")
    where = re.compile(rf"loop\.stalled .*where=.*{re.escape(str(run.source))}:{line} in block")
    await until(lambda: bool(where.search(run.log)), 5, "the line in the log")


async def test_a_changed_handler_is_served(run: Run) -> None:
    before = run.state
    run.write("good morning")
    await run.saying("module.py changed; the gateways start again")
    await run.saying("1 gateway(s) run the new code")
    assert await run.command("greetings.greet") == "good morning"
    after = run.state
    assert set(after.pids.gateways).isdisjoint(before.pids.gateways)
    assert (after.pids.postgres, after.pids.nats) == (before.pids.postgres, before.pids.nats)


async def test_code_that_cannot_start_is_one_sentence_and_the_next_change_mends_it(run: Run) -> None:
    run.write("broken(")
    await run.saying("gateway-1 ended with status 1: ")
    assert "Traceback" not in run.said
    done = run.said.count("run the new code")
    run.write("mended")
    await run.saying("run the new code", done + 1)
    assert await run.command("greetings.greet") == "mended"


async def test_a_new_migration_is_applied(run: Run) -> None:
    done = run.said.count("run the new code")
    run.migration("0002_more", "ALTER TABLE greetings_gone ADD COLUMN more text")
    await run.saying("Migration greetings/0002_more failed and was undone")
    run.migration("0002_more", "ALTER TABLE greetings_word ADD COLUMN more text")
    await run.saying("run the new code", done + 1)


async def test_a_command_that_nobody_declares_is_refused(run: Run) -> None:
    with pytest.raises(CommandFailed, match="unknown_command"):
        await run.command("greetings.shout")
