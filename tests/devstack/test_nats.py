"""NATS: what was acknowledged survives SIGKILL, on the same port, alone and in a cluster of three."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from urllib.parse import urlsplit

import nats
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from devstack import process_table
from devstack.errors import DevStackError
from devstack.guard import Guard
from devstack.nats import NatsCluster, NatsServer

from .waiting import gone, until


async def connect(*urls: str) -> Client:
    async def ignore(error: Exception) -> None:
        """A killed server is what these tests are about."""

    return await nats.connect(list(urls), connect_timeout=2, max_reconnect_attempts=-1, error_cb=ignore)


async def test_a_killed_server_comes_back_with_its_streams_on_its_port(tmp_path: Path, guard: Guard) -> None:
    async with NatsServer(tmp_path, guard=guard) as server:
        client = await connect(server.url)
        await client.jetstream().add_stream(name="S", subjects=["s.>"])
        assert (await client.jetstream().publish("s.1", b"kept")).seq == 1
        url, pid = server.url, server.pid
        server.kill()
        await until(lambda: server.pid not in (None, pid), 5, "the restart")
        async with asyncio.timeout(10):
            while not await server.ready():
                await asyncio.sleep(0.05)
        assert server.url == url
        await client.close()
        client = await connect(url)
        assert (await client.jetstream().get_msg("S", 1)).data == b"kept"
        await client.close()


async def test_ports_and_streams_are_kept_between_runs(tmp_path: Path, guard: Guard) -> None:
    async with NatsCluster(tmp_path, guard=guard) as first:
        urls = first.urls
        client = await connect(*urls)
        await client.jetstream().add_stream(name="S", subjects=["s.>"])
        await client.close()
    async with NatsCluster(tmp_path, guard=guard) as second:
        assert second.urls == urls
        client = await connect(*urls)
        assert (await client.jetstream().stream_info("S")).config.name == "S"
        await client.close()


async def test_a_taken_port_is_replaced_by_another(tmp_path: Path, guard: Guard) -> None:
    async with NatsServer(tmp_path, guard=guard) as first:
        port = urlsplit(first.url).port
    with socket.create_server(("127.0.0.1", port or 0)):
        async with NatsServer(tmp_path, guard=guard) as second:
            assert urlsplit(second.url).port != port


async def test_without_restart_a_server_stays_away_until_started(tmp_path: Path, guard: Guard) -> None:
    async with NatsServer(tmp_path, guard=guard, restart=False) as server:
        url = server.url
        server.kill()
        await asyncio.wait_for(server.died(), 5)
        assert not await server.ready()
        await server.start()
        assert server.url == url


async def test_a_server_that_outlived_its_parent_is_replaced(tmp_path: Path, guard: Guard) -> None:
    first = NatsServer(tmp_path, guard=guard, restart=False)
    await first.start()
    pid = first.pid
    assert pid is not None
    async with NatsCluster(tmp_path, guard=guard) as second:
        assert process_table.identity(pid) is None
        assert second.urls == (first.url,)


async def test_another_number_of_nodes_is_refused(tmp_path: Path, guard: Guard) -> None:
    async with NatsCluster(tmp_path, guard=guard):
        pass
    with pytest.raises(DevStackError, match=r"holds the data of 1 NATS node\(s\), not 3; use --nats-nodes 1 or"):
        await NatsCluster(tmp_path, nodes=3, guard=guard).start()


async def test_a_broken_folder_is_one_sentence(tmp_path: Path, guard: Guard) -> None:
    (tmp_path / "nats").mkdir()
    (tmp_path / "nats" / "ports.json").write_text("{")
    with pytest.raises(DevStackError, match="are unusable"):
        await NatsCluster(tmp_path, guard=guard).start()
    (tmp_path / "nats" / "ports.json").unlink()
    (tmp_path / "nats" / "nats-1").touch()
    with pytest.raises(DevStackError, match=r"^nats-1 ended with status 1: .*not a directory"):
        await NatsCluster(tmp_path, guard=guard).start()


async def test_three_nodes_lose_one_and_get_it_back(tmp_path: Path, guard: Guard) -> None:
    async with NatsCluster(tmp_path, nodes=3, guard=guard) as cluster:
        leader = await cluster.leader()
        assert leader is not None
        urls, pids = cluster.urls, set(cluster.pids)
        assert len(set(urls)) == len(pids) == 3
        client = await connect(*urls)
        jetstream = client.jetstream()
        # Ready means that a stream with three copies can be made at once.
        await jetstream.add_stream(name="S", subjects=["s.>"], num_replicas=3)
        assert (await jetstream.publish("s.1", b"kept")).seq == 1
        # Losing a leader costs seconds of election, which is not this test's subject.
        placed = (await jetstream.stream_info("S")).cluster
        assert placed is not None
        follower = next(server for server in cluster.servers if server.name not in (leader.name, placed.leader))
        killed = follower.pid
        follower.kill()
        await until(lambda: follower.pid not in (None, killed), 5, "the restart")
        async with asyncio.timeout(15):
            while await cluster.leader() is None or not await follower.ready():
                await asyncio.sleep(0.1)
        assert cluster.urls == urls
        # A busy machine elects another leader now and then: sent again under one id it is stored once.
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(NatsError):
                    again = await jetstream.publish("s.2", b"more", timeout=5, headers={"Nats-Msg-Id": "more"})
                    break
        assert again.seq == 2
        await client.close()
        pids = set(cluster.pids)
    await gone(pids, 1)


async def test_a_cluster_that_cannot_start_leaves_nothing(tmp_path: Path, guard: Guard) -> None:
    (tmp_path / "nats").mkdir()
    (tmp_path / "nats" / "nats-2").touch()
    cluster = NatsCluster(tmp_path, nodes=3, guard=guard)
    with pytest.raises(DevStackError, match="^nats-2 ended"):
        await asyncio.wait_for(cluster.start(), 10)
    assert cluster.pids == []
    assert process_table.members(guard.group) == [guard.pid]
