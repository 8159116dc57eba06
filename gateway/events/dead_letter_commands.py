"""The commands `ksmp events`: list dead letters, show one, send them again."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from gateway.bus.connection import NatsBus
from gateway.events.dead_letters import DeadLetters
from gateway.events.streams import EventStreams
from gateway.settings import Settings, read


@contextlib.asynccontextmanager
async def letters(environ: Mapping[str, str]) -> AsyncIterator[DeadLetters]:
    """Open the dead letters of the deployment in the environment; raises Unavailable and SettingsError."""
    settings = read(Settings, environ)
    bus = NatsBus(settings.nats_url, "ksmp-events")
    await bus.connect()
    try:
        # The stream does not exist before the first gateway has started.
        await EventStreams.of(bus, settings).ensure()
        yield DeadLetters(bus)
    finally:
        await bus.close()


async def lines(environ: Mapping[str, str], name: str | None) -> list[str]:
    """One line for each dead letter, and a last line with their number."""
    found: list[str] = []
    async with letters(environ) as dead:
        async for stored in dead.all(name):
            letter = stored.letter
            error = (letter.error.strip().splitlines() or [""])[-1]
            failed = letter.failed_at.isoformat(timespec="seconds")
            found.append(f"{stored.seq}  {failed}  {letter.name}  {letter.what}  {letter.id}  {error}")
    return [*found, f"{len(found)} dead letter(s)"]


async def show(environ: Mapping[str, str], number: int) -> str:
    async with letters(environ) as dead:
        letter = (await dead.get(number)).letter
    return "\n".join(
        [
            f"handler    {letter.name}",
            f"what       {letter.what}",
            f"id         {letter.id}",
            f"at         {letter.at.isoformat()}",
            f"given up   {letter.failed_at.isoformat()} after {letter.attempts} tries",
            f"body       {letter.body}",
            "error",
            letter.error.rstrip(),
        ]
    )


async def requeue(environ: Mapping[str, str], numbers: Sequence[int], name: str | None) -> int:
    """Send these again, or all (of one handler) when there are no numbers; returns how many."""
    async with letters(environ) as dead:
        chosen = [await dead.get(number) for number in numbers] or [stored async for stored in dead.all(name)]
        for stored in chosen:
            await dead.requeue(stored)
    return len(chosen)
