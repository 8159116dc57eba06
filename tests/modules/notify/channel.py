"""A module with kinds and a channel of its own, which keeps what it is given and answers as a test says."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from gateway.contract import Kernel, Module
from gateway.principal import Principal
from modules.notify.facade import IN_APP, Audience, Channel, DeliveryState, Kind, Outcome, Outgoing, Urgency

PAGER: Final = "pager"


class Words(msgspec.Struct, frozen=True):
    """What the kinds of these tests say."""

    what: str = "it"


class Pager(Channel):
    """`answer` says what becomes of each; by default it is sent."""

    name = PAGER

    def __init__(self) -> None:
        self.got: list[Outgoing] = []
        self.answer: Callable[[Outgoing], Outcome | None] = sent
        self.repeatable = True
        self.paused = 0.0
        self.unreached: Collection[str] = ()

    async def pause(self) -> float:
        return self.paused

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        self.got.extend(batch)
        return [outcome for each in batch if (outcome := self.answer(each)) is not None]

    async def reaches(self, user_ids: Collection[str]) -> Collection[str]:
        return [user for user in user_ids if user not in self.unreached]

    async def preview(self, outgoing: Outgoing) -> str:
        return f"<p>{outgoing.body}</p>"

    async def repeats(self, delivery_ids: Collection[str]) -> Collection[str]:
        return delivery_ids if self.repeatable else ()

    def of(self, subject: str) -> list[Outgoing]:
        return [each for each in self.got if each.subject == subject]


def sent(each: Outgoing) -> Outcome:
    return Outcome(id=each.id, state=DeliveryState.SENT, vendor_id=f"v-{each.id}")


class TellersModule(Module):
    """Kinds of `tellers`. `wanted` answers for `tellers.asked`, and `crowd` is the audience `crowd:<any>`."""

    name = "tellers"
    requires = ("notify",)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.pager = Pager()
        self.wanted: Callable[[str], bool] = lambda _: True
        self.crowd: Sequence[str] = ()
        self.teachers: Sequence[str] = ()
        channels = (IN_APP, PAGER)
        self.contributions = (
            self.pager,
            Kind(name="tellers.told", data=Words, title="Hear %(what)s", link="/hear/%(what)s", channels=channels),
            Kind(name="tellers.now", data=Words, title="%(what)s!", channels=channels, urgency=Urgency.HIGH),
            Kind(name="tellers.brief", data=Words, title="%(what)s", channels=channels, ttl=timedelta(seconds=3)),
            Kind(name="tellers.asked", data=Words, title="?", channels=channels, still_wanted=self._wanted),
            Kind(name="tellers.spread", data=Words, title="~", channels=channels, jitter=timedelta(hours=1)),
            Kind(name="tellers.later", data=Words, title="%(what)s", channels=channels, delay=timedelta(seconds=3)),
            Kind(
                name="tellers.gathered",
                data=Words,
                title="%(what)s",
                channels=channels,
                digest=timedelta(seconds=2),
                digest_channels=(PAGER,),
            ),
            Audience(name="crowd", users=self._crowd, exists=self._is_crowd, teaches=self._teaches),
        )

    async def _wanted(self, users: Collection[str], subject: str, data: Words) -> Collection[str]:
        return [user for user in users if self.wanted(user)]

    async def _crowd(self, id: str, after: str, limit: int) -> Sequence[str]:
        return [user for user in sorted(self.crowd) if user > after][:limit]

    async def _teaches(self, principal: Principal, id: str) -> bool:
        return principal.id in self.teachers

    async def _is_crowd(self, id: str) -> bool:
        return True


def new_subject() -> str:
    return uuid.uuid4().hex


def people(count: int) -> tuple[str, ...]:
    """Users of this test alone, in the order of their ids."""
    stem = uuid.uuid4().hex[:8]
    return tuple(f"n-{stem}-{number:05}" for number in range(count))
