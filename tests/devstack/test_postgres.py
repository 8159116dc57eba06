"""PostgreSQL: nothing installed, nothing lost, and one sentence when its folder is no good."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped,unused-ignore]
import pytest

from devstack import account, pgdata, process_table
from devstack.errors import DevStackError
from devstack.guard import Guard
from devstack.postgres import Postgres
from devstack.process import pid_file

from .waiting import gone, until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root switches accounts")


async def execute(postgres: Postgres, *statements: str) -> object:
    """Run statements in one session; returns the value of the last."""
    connection = await asyncpg.connect(postgres.url, timeout=5)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close(timeout=5)


@pytest.fixture
async def postgres(data: Path, guard: Guard) -> AsyncIterator[Postgres]:
    async with Postgres(data, guard=guard) as postgres:
        yield postgres


async def test_a_new_folder_gets_a_database_that_only_the_password_opens(postgres: Postgres, data: Path) -> None:
    assert await execute(postgres, "select current_database()") == "ksmp"
    assert await execute(postgres, "show fsync") == "on"
    assert await execute(postgres, "show server_encoding") == "UTF8"
    assert postgres.url.startswith("postgresql://ksmp:")
    assert (data / "postgres" / "password").stat().st_mode & 0o777 == 0o600
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://ksmp:wrong@127.0.0.1:{postgres.port}/ksmp", timeout=5)


async def test_a_killed_server_comes_back_with_its_data_on_its_port(postgres: Postgres) -> None:
    await execute(postgres, "create table t (n int)", "insert into t values (7)", "select 1")
    url, pid = postgres.url, postgres.pid
    postgres.kill()
    await until(lambda: postgres.pid not in (None, pid), 10, "the restart")
    async with asyncio.timeout(10):
        while not await postgres.ready():
            await asyncio.sleep(0.05)
    assert postgres.url == url
    assert await execute(postgres, "select n from t") == 7


async def test_data_port_and_password_are_kept_between_runs(data: Path, guard: Guard) -> None:
    async with Postgres(data, guard=guard) as first:
        await execute(first, "create table t as select 8 as n", "select 1")
        url = first.url
    async with Postgres(data, guard=guard) as second:
        assert second.url == url
        assert await execute(second, "select n from t") == 8


async def test_stop_cuts_off_clients_and_leaves_no_process(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.url, timeout=5)
    pid, backend = postgres.pid, await connection.fetchval("select pg_backend_pid()")
    assert pid is not None
    await asyncio.wait_for(postgres.stop(), 5)
    await gone([pid, backend], 1)
    assert connection.is_closed() or await until(connection.is_closed, 2) < 2


async def test_a_taken_port_is_replaced_by_another(data: Path, guard: Guard) -> None:
    async with Postgres(data, guard=guard) as first:
        port = first.port
    with socket.create_server(("127.0.0.1", port)):
        async with Postgres(data, guard=guard) as second:
            assert second.port != port
            assert await execute(second, "select 1") == 1
            assert (data / "postgres" / "port").read_text() == f"{second.port}\n"


async def test_a_server_that_outlived_its_parent_is_replaced(data: Path, guard: Guard) -> None:
    # Nobody stops the first one: its parent and its guard are taken to be dead.
    first = Postgres(data, guard=guard, restart=False)
    await first.start()
    pid = first.pid
    assert pid is not None
    async with Postgres(data, guard=guard) as second:
        assert process_table.identity(pid) is None
        assert await execute(second, "select 1") == 1
        assert second.url == first.url
    assert not pid_file(data, "postgres").exists()


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="asks Linux where a process works")
async def test_a_lock_whose_process_id_is_used_again_is_ignored(data: Path, guard: Guard) -> None:
    async with Postgres(data, guard=guard, restart=False) as first:
        lock = (data / "postgres" / "data" / "postmaster.pid").read_text()
        first.kill()
        await first.died()
    other = subprocess.Popen(["sleep", "60"])
    try:
        number, _, rest = lock.partition("\n")
        assert number.isdigit()
        (data / "postgres" / "data" / "postmaster.pid").write_text(f"{other.pid}\n{rest}")
        async with Postgres(data, guard=guard) as second:
            assert await execute(second, "select 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait(5)


async def test_an_interrupted_first_start_is_made_good(tmp_path: Path, guard: Guard) -> None:
    left = tmp_path / "postgres" / "data.new"
    left.mkdir(parents=True)
    (left / "half").touch()
    async with Postgres(tmp_path, guard=guard) as postgres:
        assert await execute(postgres, "select 1") == 1
    assert not left.exists()


async def test_data_of_another_major_version_is_refused(data: Path, guard: Guard) -> None:
    (data / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(DevStackError, match=r"made by PostgreSQL 9 and the installed one is 1\d; .* --fresh\.$"):
        await Postgres(data, guard=guard).start()


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ("data/PG_VERSION", "is not a whole PostgreSQL data folder"),
        ("password", "is not a whole PostgreSQL data folder"),
        ("data/global/pg_control", "postgres ended with status"),
        ("data/base", "PostgreSQL's data is unusable"),
    ],
)
async def test_broken_data_is_one_sentence(data: Path, guard: Guard, broken: str, sentence: str) -> None:
    path = data / "postgres" / broken
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    postgres = Postgres(data, guard=guard)
    with pytest.raises(DevStackError) as caught:
        await asyncio.wait_for(postgres.start(), 20)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert postgres.pid is None


async def test_a_wrong_password_is_one_sentence(data: Path, guard: Guard) -> None:
    (data / "postgres" / "password").write_text("another\n")
    with pytest.raises(DevStackError, match="does not take the password in"):
        await Postgres(data, guard=guard).start()


async def test_a_file_where_the_folder_belongs_is_one_sentence(tmp_path: Path, guard: Guard) -> None:
    (tmp_path / "postgres").touch()
    with pytest.raises(DevStackError, match=r"^PostgreSQL's folder .* is unusable: "):
        await Postgres(tmp_path, guard=guard).start()


@as_root
async def test_root_runs_it_as_nobody_where_there_are_no_namespaces(
    data: Path, guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "SHARED", tmp_path / "shared")
    # pytest keeps its temporary folders to their owner, and nobody has to get through to the shared folder.
    opened = [(folder, folder.stat().st_mode) for folder in (tmp_path, *tmp_path.parents) if folder.stat().st_uid == 0]
    try:
        for folder, mode in opened:
            folder.chmod(mode | 0o001)
        data.chmod(0o700)
        async with Postgres(data, guard=guard, account=account.as_nobody()) as postgres:
            assert postgres.pid is not None
            assert Path(f"/proc/{postgres.pid}").stat().st_uid == account.as_nobody().user
            await execute(postgres, "create table t as select 9 as n", "select 1")
            elsewhere = Path((data / "postgres" / "elsewhere").read_text().strip())
            assert (elsewhere / "data" / "PG_VERSION").exists()
        # What one account made another can go on with.
        async with Postgres(data, guard=guard) as postgres:
            assert await execute(postgres, "select n from t") == 9
        await asyncio.to_thread(pgdata.delete, data / "postgres")
        assert not elsewhere.exists()
    finally:
        for folder, mode in opened:
            folder.chmod(mode)


@as_root
def test_programs_that_nobody_cannot_reach_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "SHARED", tmp_path / "shared")
    monkeypatch.setattr(account, "reachable", lambda path: False)
    copied = account.as_nobody()
    assert copied.bin.is_relative_to(tmp_path / "shared")
    done = subprocess.run([copied.bin / "initdb", "--version"], capture_output=True, text=True, check=True, timeout=10)
    assert done.stdout.startswith("initdb (PostgreSQL)")


def test_reachable_means_for_everyone(tmp_path: Path) -> None:
    assert account.reachable(Path("/usr/lib"))
    private = tmp_path / "private"
    (private / "inside").mkdir(parents=True)
    private.chmod(0o700)
    assert not account.reachable(private / "inside")


async def test_signals_reach_the_postmaster(postgres: Postgres) -> None:
    pid = postgres.pid
    postgres.kill(signal.SIGQUIT)
    await until(lambda: postgres.pid not in (None, pid), 10, "the restart after SIGQUIT")
