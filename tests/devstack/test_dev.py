"""`ksmp dev` with stand-in gateways: real signals to a real process, and what is left afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped,unused-ignore]
import nats
import pytest

from devstack import ports, probe, process_table, state
from devstack.checkup import environment_of
from devstack.state import State
from gateway.events import dead_letter_commands
from tests import needs

from .waiting import gone, until

PROGRAM = str(Path(__file__).with_name("dev_program.py"))


class Run:
    """One run of `ksmp dev` in a process of its own."""

    def __init__(
        self,
        data: Path,
        port: int,
        *,
        launcher: tuple[str, ...],
        terminal: int | None,
        output: int | None,
        environ: dict[str, str],
    ) -> None:
        self.data = data
        self.output = data.parent / f"output-{time.monotonic_ns()}"
        self._file = self.output.open("w")
        self.process = subprocess.Popen(
            [*launcher, PROGRAM, str(data), str(port)],
            stdin=terminal,
            stdout=self._file if output is None else output,
            stderr=subprocess.STDOUT,
            env=os.environ | environ,
            start_new_session=terminal is not None,
            # The first terminal that a session leader opens becomes the one whose Ctrl-C it gets.
            preexec_fn=None if terminal is None else lambda: os.close(os.open(os.ttyname(terminal), os.O_RDWR)),  # noqa: PLW1509
        )

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def state(self) -> State:
        return state.read(self.data / "dev.json")

    async def ready(self) -> State:
        await until(lambda: "Ready after" in self.said or self.process.poll() is not None, 60, "readiness")
        assert self.process.poll() is None, self.said
        return self.state

    async def wrote_state(self) -> State:
        """Wait until everything is ready, whatever becomes of the output."""
        path = self.data / "dev.json"
        await until(lambda: path.exists() or self.process.poll() is not None, 60, "dev.json")
        assert self.process.poll() is None
        return self.state

    async def ended(self, seconds: float = 10.0) -> float:
        return await until(lambda: self.process.poll() is not None, seconds, "the end")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(5)
        self._file.close()


def everything(known: State) -> set[int]:
    """Every process of a run: those in `dev.json`, and all others of their group."""
    pids = {known.pids.dev, *known.pids.gateways, *known.pids.nats, known.pids.postgres, known.pids.devcloud}
    return pids | set(process_table.members(os.getpgid(known.pids.postgres)))


Start = Callable[..., Run]


@pytest.fixture
def port() -> int:
    """A port that is free, and the next one too."""
    while True:
        port = ports.choose()
        if ports.is_free(port + 1):
            return port


@pytest.fixture
async def start(made: Path, tmp_path: Path, port: int) -> AsyncIterator[Start]:
    runs: list[Run] = []
    data = tmp_path / "data"
    await asyncio.to_thread(shutil.copytree, made / "postgres", data / "postgres")
    (data / ".ksmp-data").touch()

    def start(
        *,
        launcher: tuple[str, ...] = (sys.executable,),
        terminal: int | None = None,
        output: int | None = None,
        **environ: str,
    ) -> Run:
        runs.append(Run(data, port, launcher=launcher, terminal=terminal, output=output, environ=environ))
        return runs[-1]

    yield start
    pids: set[int] = set()
    with contextlib.suppress(OSError, ValueError):
        known = state.read(data / "dev.json")
        pids = everything(known)
        # Under `uv run` dev is not the process that was started here.
        os.kill(known.pids.dev, signal.SIGKILL)
    for run in runs:
        run.close()
    await gone(pids)


async def test_everything_starts_is_told_and_comes_back_when_killed(start: Start, port: int, tmp_path: Path) -> None:
    run = start()
    known = await run.ready()
    await assert_complete(known, run, port)
    await assert_alone(run, port, tmp_path)
    await assert_restarted(known, run)
    await assert_restarted_without_state(run)
    pids = everything(run.state)
    # Two gateways, NATS, PostgreSQL, the stand-in for AWS, the guard and dev itself.
    assert len(pids) == 7
    run.process.send_signal(signal.SIGTERM)
    assert await run.ended() < 5
    assert run.process.returncode == 0
    assert not (run.data / "dev.json").exists()
    await gone(pids, 0.5)
    assert run.said.splitlines()[-1] == "Stopped"


async def assert_complete(known: State, run: Run, port: int) -> None:
    """`dev.json` is right about everything."""
    assert known.gateways == [f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"]
    # Each gateway has an address for its metrics that is not the public one.
    assert len(set(known.metrics)) == 2
    assert not {urlsplit(url).port for url in known.metrics} & {port, port + 1}
    assert (known.session, known.room) == ("demo", "session:demo")
    assert set(known.tokens) == {"mentor", "student", "admin"}
    assert known.pids.dev == run.process.pid
    for url in known.gateways:
        assert (await probe.get(f"{url}/health/ready"))[0] == 200
    await (await asyncpg.connect(known.database_url)).close()
    await (await nats.connect(known.nats_url.split(","))).close()
    assert await dead_letter_commands.lines(environment_of(run.data, {}), None) == ["0 dead letter(s)"]
    assert (await probe.get(f"{known.aws_endpoint}/_devcloud/health"))[0] == 200
    assert known.razorpay_url == f"{known.aws_endpoint}/razorpay"
    _, scanner = await probe.get(f"{known.aws_endpoint}/_devcloud/scanner")
    assert json.loads(scanner)["address"] == known.scanner == environment_of(run.data, {})["KSMP_FILES_SCANNER"]
    await assert_webhook(known)


async def assert_webhook(known: State) -> None:
    """Razorpay sends what happens to the gateways."""
    _, body = await probe.get(f"{known.aws_endpoint}/_devcloud/razorpay/webhooks")
    (webhook,) = json.loads(body)["webhooks"]
    assert [webhook["url"], *webhook["others"]] == [
        f"{url}/api/v1/payments/webhooks/razorpay" for url in known.gateways
    ]
    assert webhook["active"]


async def assert_alone(run: Run, port: int, tmp_path: Path) -> None:
    """A second `ksmp dev` on the same folder or port is refused in one sentence, and changes nothing."""
    sentences = {
        str(run.data): f"Another `ksmp dev` (process {run.process.pid}) uses {run.data}; ",
        str(tmp_path / "other"): f"Port {port} is taken by another program; ",
    }
    for data, sentence in sentences.items():
        second = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, PROGRAM, data, str(port)],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        assert second.returncode == 1
        assert second.stderr.startswith(sentence)
        assert second.stderr.count("\n") == 1
    assert run.process.poll() is None


async def assert_restarted(before: State, run: Run) -> None:
    """Whatever is killed comes back where it was."""
    killed = [*before.pids.gateways, *before.pids.nats, before.pids.postgres, before.pids.devcloud]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)

    def back() -> bool:
        pids = run.state.pids
        now = {*pids.gateways, *pids.nats, pids.postgres, pids.devcloud}
        return not set(killed) & now and len(pids.gateways) == 2

    await until(back, 15, "the new process ids")
    after = run.state
    assert (after.gateways, after.database_url, after.nats_url, after.aws_endpoint) == (
        before.gateways,
        before.database_url,
        before.nats_url,
        before.aws_endpoint,
    )
    for url in after.gateways:
        assert (await probe.get(f"{url}/health/ready"))[0] == 200
    await assert_webhook(after)
    for name in ("gateway-1", "gateway-2", "nats-1", "postgres", "devcloud"):
        assert f"{name} was ended by SIGKILL; it is started again" in run.said
        assert f"{name} is back as process" in run.said


async def assert_restarted_without_state(run: Run) -> None:
    """What is killed comes back also when `dev.json` cannot be written."""
    before = run.state.pids
    in_the_way = run.data / "dev.new"
    in_the_way.mkdir()
    os.kill(before.gateways[0], signal.SIGKILL)
    await until(lambda: run.said.count("gateway-1 is back as process") == 2, 15, "the return of gateway-1")
    assert f"{run.data / 'dev.json'} cannot be written" in run.said
    in_the_way.rmdir()
    os.kill(before.gateways[1], signal.SIGKILL)
    await until(lambda: not set(before.gateways) & set(run.state.pids.gateways), 15, "the new process ids")


async def test_a_killed_dev_leaves_nothing_and_the_next_one_finds_its_data(start: Start) -> None:
    run = start()
    before = await run.ready()
    connection = await asyncpg.connect(before.database_url)
    await connection.execute("create table t as select 5 as n")
    pids = everything(before) | {await connection.fetchval("select pg_backend_pid()")}
    connection.terminate()
    run.process.kill()
    # The next one is started while the guard is still at work.
    run.process.wait(5)
    again = start()
    await gone(pids, 4)
    after = await again.ready()
    assert after.pids.dev == again.process.pid
    assert (after.database_url, after.nats_url) == (before.database_url, before.nats_url)
    connection = await asyncpg.connect(after.database_url)
    assert await connection.fetchval("select n from t") == 5
    await connection.close()


async def test_a_gateway_that_does_not_stop_is_killed_in_time(start: Start) -> None:
    run = start(STANDIN="stubborn")
    pids = everything(await run.ready())
    run.process.send_signal(signal.SIGTERM)
    assert 4 < await run.ended() < 10
    await gone(pids, 0.5)


async def test_a_second_request_stops_at_once(start: Start) -> None:
    run = start(STANDIN="stubborn")
    pids = everything(await run.ready())
    run.process.send_signal(signal.SIGINT)
    await asyncio.sleep(1.2)
    run.process.send_signal(signal.SIGINT)
    assert await run.ended() < 1
    await gone(pids, 2)


async def test_a_gateway_that_fails_is_one_sentence(start: Start) -> None:
    run = start(STANDIN="broken")
    await run.ended(20)
    assert run.process.returncode == 1
    assert "Traceback" not in run.said
    assert "ended with status 1: ValueError: the stand-in was told to fail; see " in run.said.splitlines()[-1]
    assert not (run.data / "dev.json").exists()
    assert not list((run.data / "run").iterdir())


async def test_a_stop_during_the_start_leaves_nothing(start: Start) -> None:
    run = start()
    await until(lambda: (run.data / "run" / "postgres.pid").exists(), 10, "PostgreSQL's process id")
    run.process.send_signal(signal.SIGTERM)
    await run.ended()
    assert run.process.returncode == 0, run.said
    assert not list((run.data / "run").iterdir())


async def test_one_taken_port_of_several_is_named(start: Start, port: int) -> None:
    with socket.create_server(("127.0.0.1", port + 1)):
        run = start()
        await run.ended()
    assert f"Port {port + 1} is taken by another program" in run.said


async def test_ctrl_c_in_a_terminal_reaches_dev_alone(start: Start) -> None:
    terminal, program_end = pty.openpty()
    run = start(terminal=program_end)
    os.close(program_end)
    known = await run.ready()
    assert os.getpgid(known.pids.dev) == known.pids.dev
    assert known.pids.dev not in process_table.members(os.getpgid(known.pids.postgres))
    pids = everything(known)
    os.write(terminal, b"\x03")
    assert await run.ended() < 5
    assert run.process.returncode == 0
    os.close(terminal)
    await gone(pids, 0.5)
    for gateway in ("gateway-1", "gateway-2"):
        assert "KeyboardInterrupt" not in (run.data / "logs" / f"{gateway}.log").read_text()


async def assert_acts_without_output(run: Run, known: State) -> None:
    """What dies comes back, and one signal stops everything in order."""
    killed = [known.pids.gateways[0], *known.pids.nats]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: not set(killed) & {*run.state.pids.gateways, *run.state.pids.nats}, 15, "the new process ids")
    pids = everything(run.state)
    run.process.send_signal(signal.SIGINT)
    assert await run.ended() < 5
    assert run.process.returncode == 0
    await gone(pids, 0.5)


async def test_it_acts_when_nobody_is_left_to_read_what_it_says(start: Start) -> None:
    reading, writing = os.pipe()
    run = start(output=writing)
    os.close(writing)
    known = await run.wrote_state()
    # As `| tee` that Ctrl-C ended.
    os.close(reading)
    await assert_acts_without_output(run, known)


async def test_it_acts_when_what_it_says_is_not_read(start: Start) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))
    os.set_blocking(writing, True)
    run = start(output=writing)
    os.close(writing)
    await assert_acts_without_output(run, await run.wrote_state())
    os.close(reading)


async def test_it_stops_when_its_terminal_is_closed(start: Start) -> None:
    terminal, program_end = pty.openpty()
    run = start(terminal=program_end, output=program_end)
    os.close(program_end)
    pids = everything(await run.wrote_state())
    os.close(terminal)
    assert await run.ended() < 5
    assert run.process.returncode == 0
    await gone(pids, 0.5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_under_uv_run_everything_stops_with_uv(start: Start, number: signal.Signals) -> None:
    run = start(launcher=(needs.program("uv", "uv"), "run", "--no-sync", "python"))
    known = await run.ready()
    assert known.pids.dev != run.process.pid
    pids = everything(known)
    begun = time.monotonic()
    run.process.send_signal(number)
    await run.ended()
    await gone(pids, 10)
    assert time.monotonic() - begun < 10
    assert run.said.splitlines()[-1] == "Stopped"
