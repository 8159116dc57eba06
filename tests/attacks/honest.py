"""Two members who chat beside an attack, and measure its effect on them."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator

from ksmp_testkit import MakeToken
from ksmp_testkit.socket_client import WireClient, connected
from tests.target import MIB, Target

BEFORE = 0.8
# Under the twenty a second that a connection may send.
PAUSE = 0.06


class Pair:
    """The reader gets everything that the writer sends, once and in order."""

    def __init__(self, writer: WireClient, reader: WireClient, room: str) -> None:
        self.room = room
        self.delays: list[float] = []
        self.seqs: list[int] = []
        self._writer = writer
        self._reader = reader
        self._over = asyncio.Event()

    async def chat(self) -> None:
        """Until `end`."""
        while not self._over.is_set():
            began = time.perf_counter()
            seq = (await self._writer.say(self.room, f"honest {len(self.seqs)}"))["seq"]
            if self._reader.positions[self.room] < seq:
                await self._reader.expect(lambda one, seq=seq: one.get("seq") == seq)  # type: ignore[misc]
            self.delays.append(time.perf_counter() - began)
            self.seqs.append(seq)
            await asyncio.sleep(PAUSE)

    def end(self) -> None:
        self._over.set()

    def check(self) -> None:
        served = [one["seq"] for one in self._reader.pushes("chat.message", self.room)]
        honest = [
            one["seq"]
            for one in self._reader.pushes("chat.message", self.room)
            if one["data"]["text"].startswith("honest")
        ]
        assert honest == self.seqs
        assert served == sorted(set(served))
        assert not self._reader.gaps
        assert not self._reader.repeats


def shown(delays: list[float]) -> str:
    """Median and worst, in milliseconds."""
    return f"{statistics.median(delays) * 1000:.1f}/{max(delays) * 1000:.1f} ms"


@contextlib.asynccontextmanager
async def chatting(target: Target, token: MakeToken, room: str, name: str) -> AsyncIterator[Pair]:
    """The chatting pair. At the end it must have received everything; its latencies are printed."""
    async with (
        connected(target.ws_url, token("honest-writer")) as writer,
        connected(target.ws_url, token("honest-reader")) as reader,
    ):
        await writer.join(room)
        await reader.join(room)
        pair = Pair(writer, reader, room)
        talking = asyncio.create_task(pair.chat())
        try:
            await asyncio.sleep(BEFORE)
            before, memory = len(pair.delays), target.memory()
            yield pair
            # And when it is over.
            await asyncio.sleep(0.3)
        finally:
            pair.end()
            await talking
        pair.check()
        during = pair.delays[before:]
        if before and during:
            print(
                f"\n{name}: median/worst {shown(pair.delays[:before])} before, {shown(during)} beside; "
                f"memory {memory / MIB:.0f} -> {target.memory() / MIB:.0f} MiB"
            )
            # The machine may be busy with other work too. A standstill for the whole attack still shows.
            assert statistics.median(during) < 1.0 + 50 * statistics.median(pair.delays[:before])
