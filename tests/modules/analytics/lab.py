"""A stranger's module: an event with facts, and a client event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from gateway import clock
from gateway.contract import Kernel, Module
from modules.analytics.facade import ClientEventType, Fact, FactType, Tracked

ProgramId = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]


class Measured(msgspec.Struct, frozen=True, tag="lab.Measured"):
    """Somebody measured something. `wrong` says how its facts go wrong."""

    user_id: str
    program_id: str
    value: int
    at: datetime
    wrong: str = ""


class Clicked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A button of the lab was clicked."""

    button: Literal["start", "stop"]
    program_id: ProgramId
    times: Annotated[int, Meta(ge=1)] = 1


def measured(event: Measured, published_at: datetime) -> Iterable[Fact]:
    if event.wrong == "raises":
        raise ValueError("the lab is closed")
    name = "lab.other" if event.wrong == "name" else "lab.measured"
    user, program = event.user_id, event.program_id
    yield Fact(name=name, at=event.at, user_id=user, program_id=program, value=event.value, label="grams")


def clicked(event: Clicked) -> Tracked:
    return Tracked(program_id=event.program_id, label=event.button, value=event.times)


CLICKED = ClientEventType(name="lab.clicked", properties=Clicked, tracked=clicked)


class Lab(Module):
    name = "lab"
    emits = (Measured,)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.contributions = (FactType(event=Measured, facts=measured, names=("lab.measured",)), CLICKED)

    async def measure(self, *events: Measured) -> None:
        async with self.kernel.database.transaction():
            for event in events:
                await self.kernel.events.publish(event)


def id_of(at: datetime, number: int = 0) -> str:
    """A UUIDv7 of a time."""
    return str(UUID(int=clock.to_ms(at) << 80 | 7 << 76 | 2 << 62 | number))
