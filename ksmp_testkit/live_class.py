"""Live classes: a program, its session, and people in the session's room."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import asyncpg

from ksmp_testkit.member import Clients, Member
from ksmp_testkit.socket_client import Message


@dataclass(frozen=True)
class LiveClass:
    """A session whose mentor and students have joined its room."""

    id: str
    mentor: Member
    students: Sequence[Member]

    @property
    def room(self) -> str:
        return self.mentor.room

    @property
    def program_id(self) -> str:
        return program_of(self.id)

    @property
    def student(self) -> Member:
        """The first of the students."""
        return self.students[0]

    async def snapshot(self, member: Member) -> Message:
        """The parts of the room's state, by name, as this member may see them."""
        parts: Message = (await member.command("live.snapshot"))["parts"]
        return parts


class CreateSession(Protocol):
    async def __call__(
        self,
        id: str | None = None,
        open: bool = True,
        *,
        mentor: str = ...,
        program_mentor: str = ...,
        enrolled: Sequence[str] = ...,
    ) -> str: ...


class CreateClass(Protocol):
    async def __call__(self, *, students: int = ..., open: bool = ...) -> LiveClass: ...


def program_of(session: str) -> str:
    """The program that `Sessions` wrote with a session."""
    return f"p-{session}"


class Sessions:
    """Implements CreateSession by rows, which takes a millisecond."""

    def __init__(self, database: asyncpg.Pool[Any]) -> None:
        self._database = database

    async def __call__(
        self,
        id: str | None = None,
        open: bool = True,
        *,
        mentor: str = "mentor",
        program_mentor: str = "program-mentor",
        enrolled: Sequence[str] = (),
    ) -> str:
        id = id or uuid.uuid4().hex
        program = program_of(id)
        await self._database.execute(
            "INSERT INTO program (id, title, mentor_id, open_to_all) VALUES ($1, 'A program', $2, $3)",
            program,
            program_mentor,
            open,
        )
        await self._database.execute(
            "INSERT INTO live_session (id, program_id, title, mentor_id) VALUES ($1, $2, 'A class', $3)",
            id,
            program,
            mentor,
        )
        for user in enrolled:
            await self._database.execute(
                "INSERT INTO program_enrolment (program_id, user_id) VALUES ($1, $2)", program, user
            )
        return id


class Classes:
    """Implements CreateClass for one gateway. Nobody in a class is in another."""

    def __init__(self, create_session: CreateSession, clients: Clients) -> None:
        self._create_session = create_session
        self._clients = clients

    async def __call__(self, *, students: int = 1, open: bool = True) -> LiveClass:
        tag = uuid.uuid4().hex[:8]
        users = [f"student-{number}-{tag}" for number in range(1, students + 1)]
        mentor = f"mentor-{tag}"
        id = await self._create_session(open=open, mentor=mentor, enrolled=() if open else users)
        room = f"session:{id}"
        return LiveClass(
            id,
            await self._clients.member(room, mentor, "mentor"),
            [await self._clients.member(room, user) for user in users],
        )
