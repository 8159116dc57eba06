"""A live class of 200: they come on time, late, for a moment or not; they write, ask, vote and give stars."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ksmp_client import Client, Room
from loadtests.checkouts.shop import Shop
from loadtests.patient import good
from loadtests.school.books import ClassBook

# Seconds after the start from which one is late, as the gateways are told (`KSMP_LIVE_ATTENDANCE_LATE`).
LATE: Final = 6.0


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """How many come when; the others stay away. The first of those who stay raise hands, the next ask, and so on."""

    on_time: int
    late: int = 0
    short: int = 0
    hands: int = 0
    questions: int = 0
    votes: int = 0
    stars: int = 0
    talks: bool = True


BIG: Final = Crowd(on_time=140, late=25, short=15, hands=12, questions=8, votes=110, stars=60)
SMALL: Final = Crowd(on_time=30, talks=False)


class LiveClass:
    """`tokens` are of the students, by their ids."""

    def __init__(self, shop: Shop, tokens: dict[str, str], crowd: Crowd) -> None:
        self.book = ClassBook()
        self._crowd = crowd
        self._shop = shop
        self.tokens = tokens
        self._gateways = shop.running.gateways
        self._rooms: dict[str, Room] = {}
        self._clients: dict[str, Client] = {}
        self._begun: dict[str, float] = {}
        self._started = 0.0

    async def open(self) -> None:
        """The mentor makes a free program, and all enrol in it."""
        book = self.book
        book.program = (await self._mentor("POST", "/programs", {"title": "Algebra for all"}))["id"]
        await self._mentor("POST", f"/programs/{book.program}/publish", match='"1"')
        at_once = asyncio.Semaphore(10)

        async def enrol(user: str) -> None:
            async with at_once:
                path = f"/programs/{book.program}/enrolment"
                good(await self._shop.ask("POST", path, self.tokens[user]), path)
            book.expected.add(user)

        await asyncio.gather(*(enrol(user) for user in self.tokens))

    async def plan(self) -> None:
        book = self.book
        now = datetime.now(UTC)
        plan = {
            "program_id": book.program,
            "title": "Roots",
            "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(hours=1)).isoformat(),
        }
        book.session = (await self._mentor("POST", "/sessions", plan))["id"]
        await self._mentor("POST", f"/sessions/{book.session}/open")

    async def teach(self, look: Callable[[Room], Awaitable[None]]) -> None:
        """The class from its start to its end. `look` is called in the middle with the mentor's room."""
        book, crowd, users = self.book, self._crowd, list(self.tokens)
        on_time, rest = users[: crowd.on_time], users[crowd.on_time :]
        short, late = rest[: crowd.short], rest[crowd.short : crowd.short + crowd.late]
        async with contextlib.AsyncExitStack() as stack:
            mentor = await stack.enter_async_context(Client(self._gateways, token=self._shop.running.tokens["mentor"]))
            room = await mentor.join(f"session:{book.session}")
            await self._in_parts([*on_time, *short], lambda user: self._come(stack, user))
            await self._mentor("POST", f"/sessions/{book.session}/start")
            self._started = time.time()
            book.on_time.update(on_time)
            book.short.update(short)
            gone = came = 0.0
            if short:
                await asyncio.sleep(2.0)
                await self._in_parts(short, self._go)
                gone = time.time() - self._started
            if late:
                await asyncio.sleep(max(0.0, self._started + LATE + 2.0 - time.time()))
                await self._in_parts(late, lambda user: self._come(stack, user))
                came = time.time() - self._started
            book.late.update(late)
            if crowd.talks:
                await self._talk([*on_time, *late], room)
            await look(room)
            # Half of the class makes one present: the last to come have it, and those who left do not.
            await asyncio.sleep(max(0.0, self._started + max(3 * gone, 2.5 * came) - time.time()))
            await self._mentor("POST", f"/sessions/{book.session}/end")
            book.seconds = time.time() - self._started
            for user in [*on_time, *late]:
                book.stays[user] = time.time() - max(self._started, self._begun[user])
            await self._rate([*on_time, *late][: crowd.stars])

    async def _come(self, stack: contextlib.AsyncExitStack, user: str) -> None:
        client = await stack.enter_async_context(Client(self._gateways, token=self.tokens[user]))
        self._clients[user] = client
        self._rooms[user] = await client.join(f"session:{self.book.session}")
        self._begun[user] = time.time()

    async def _go(self, user: str) -> None:
        await self._rooms[user].leave()
        self.book.stays[user] = time.time() - max(self._started, self._begun[user])

    async def _talk(self, users: list[str], mentor: Room) -> None:
        book, crowd = self.book, self._crowd

        async def talk(user: str) -> None:
            room, number = self._rooms[user], users.index(user)
            for line in range(number % 4):
                await room.command("chat.send", {"text": f"{user} {line}"}, patient=True)
            if number % 4:
                book.messages[user] = number % 4
            if number < crowd.hands:
                await room.command("live.raise_hand", {}, patient=True)
                book.hands.add(user)
            if crowd.hands <= number < crowd.hands + crowd.questions:
                await room.command("live.ask", {"text": f"Why, asks {user}?"}, patient=True)
                book.questions[user] = 1
            if number < crowd.votes:
                await room.command("live.vote", {"poll": poll, "options": [number % 2]}, patient=True)
                book.votes.add(user)

        poll = (await mentor.command("live.open_poll", {"question": "Even?", "options": ["yes", "no"]}))["poll"]
        await self._in_parts(users, talk)
        await mentor.command("live.close_poll", {"poll": poll})

    async def _rate(self, users: list[str]) -> None:
        async def rate(user: str) -> None:
            stars = 3 + users.index(user) % 3
            path = f"/sessions/{self.book.session}/stars"
            good(await self._shop.ask("PUT", path, self.tokens[user], json={"stars": stars}), path)
            self.book.stars[user] = stars

        await self._in_parts(users, rate)

    async def _in_parts(self, users: list[str], do: Callable[[str], Awaitable[None]]) -> None:
        at_once = asyncio.Semaphore(20)

        async def one(user: str) -> None:
            async with at_once:
                await do(user)

        await asyncio.gather(*(one(user) for user in users))

    async def _mentor(self, method: str, path: str, json: Any = None, match: str = "") -> Any:
        token = self._shop.running.tokens["mentor"]
        return good(await self._shop.ask(method, path, token, match=match, json=json), f"{method} {path}")
