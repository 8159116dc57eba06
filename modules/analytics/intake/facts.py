"""FactIntake: follows the events that modules contributed facts of, and stores the facts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

import msgspec

from gateway.contract import EventFollower, Followed, Kernel
from modules.analytics.facade import FactType
from modules.analytics.intake.settings import IntakeSettings
from modules.analytics.store.event import Event, Source
from modules.analytics.store.writer import EventWriter

FOLLOWER: Final = "analytics.facts"
# Facts that are made without a pause for other work of the process.
AT_ONCE: Final = 500


class FactIntake:
    """What makes no facts, or facts that cannot be stored, becomes a dead letter, and holds up no others."""

    def __init__(self, kernel: Kernel, writer: EventWriter, settings: IntakeSettings) -> None:
        self._kernel = kernel
        self._writer = writer
        self._most = settings.store_batch
        follower = EventFollower(
            name=FOLLOWER,
            events=lambda: tuple(self._types),
            handle=self.store,
            batch=settings.store_batch,
            wait=settings.store_wait,
        )
        self.contributions = (follower,)

    @cached_property
    def _types(self) -> Mapping[type[msgspec.Struct], Sequence[FactType]]:
        found: dict[type[msgspec.Struct], list[FactType]] = {}
        for fact_type in self._kernel.contributed(FactType):
            found.setdefault(fact_type.event, []).append(fact_type)
        return found

    async def store(self, batch: Sequence[Followed]) -> None:
        """Store the facts of these events. Raises what makes them, ValueError for a fact of another name, Unavailable.

        Done again it changes nothing, since a fact's id is made of the fact.
        """
        events: list[Event] = []
        for number, followed in enumerate(batch):
            events += self._facts(followed)
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
        # All of them are made before the first is written, so that one that cannot be made leaves nothing behind.
        for start in range(0, len(events), self._most):
            await self._writer.write(events[start : start + self._most], Source.FACTS)

    def _facts(self, followed: Followed) -> Iterator[Event]:
        for fact_type in self._types.get(type(followed.event), ()):
            for fact in fact_type.facts(followed.event, followed.at):
                if fact.name not in fact_type.names:
                    raise ValueError(f"{fact.name} is not among the names of the facts of {fact_type.event.__name__}")
                yield Event.of(fact)
