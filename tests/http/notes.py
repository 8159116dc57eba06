"""A module of the tests alone: notes, a resource that uses every convention of REST, as other modules would."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from piccolo.columns import UUID as UUIDColumn
from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table

from gateway.auth.policy import anyone, otherwise, roles, signed_in
from gateway.contract import Kernel, Module, Rate
from gateway.errors import Conflict, Unavailable, not_found
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.http.services import services
from gateway.identifier import new_id
from gateway.principal import Principal, Role

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Body = Annotated[str, msgspec.Meta(max_length=2000)]


class NoteRow(Table, tablename="note"):
    id = UUIDColumn(primary_key=True)
    owner_id = Text()
    title = Text()
    body = Text()
    rev = BigInt()
    created_at = Timestamptz()


class Note(msgspec.Struct, frozen=True):
    """A note of one user."""

    id: UUID
    title: str
    body: str
    rev: int
    created_at: datetime

    @classmethod
    def example(cls) -> Note:
        id = UUID("01a2130d-48bf-7174-b972-596a06fb2346")
        return cls(id, "Homework", "Read chapter two", 1, datetime(2026, 1, 31, 18, 30, tzinfo=UTC))


class NewNote(msgspec.Struct, frozen=True):
    title: Title
    body: Body = ""

    @classmethod
    def example(cls) -> NewNote:
        return cls("Homework", "Read chapter two")


class NoteChange(msgspec.Struct, frozen=True):
    """What is left out stays."""

    title: Title | msgspec.UnsetType = msgspec.UNSET
    body: Body | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def example(cls) -> NoteChange:
        return cls(title="Homework for Monday")


NEWEST = Sort("newest", (NoteRow.created_at, NoteRow.id), descending=True)
BY_TITLE = Sort("title", (NoteRow.title, NoteRow.id))
SORTS = {sort.name: sort for sort in (NEWEST, BY_TITLE)}


class Notes:
    """The rules."""

    def __init__(self) -> None:
        # Tests hold the creation of a note up, or have it fail.
        self.hold: asyncio.Event | None = None
        self.failure: Exception | None = None
        self.made = 0

    async def create(self, principal: Principal, new: NewNote) -> Note:
        self.made += 1
        if self.hold is not None:
            await self.hold.wait()
        if self.failure is not None:
            raise self.failure
        note = Note(UUID(new_id()), new.title, new.body, 1, datetime.now(UTC))
        await NoteRow.insert(NoteRow(owner_id=principal.id, **msgspec.structs.asdict(note)))
        return note

    async def read(self, principal: Principal, id: UUID) -> Note:
        row = await NoteRow.select().where(NoteRow.id == id, NoteRow.owner_id == principal.id).first()
        if row is None:
            raise not_found("there is no such note")
        return msgspec.convert(row, Note)

    async def change(self, principal: Principal, id: UUID, change: NoteChange, if_match: IfMatch) -> Note:
        async with NoteRow._meta.db.transaction():
            row = (
                await NoteRow.select()
                .where(NoteRow.id == id, NoteRow.owner_id == principal.id)
                .first()
                .lock_rows("UPDATE")
            )
            if row is None:
                raise not_found("there is no such note")
            if_match.check(row["rev"])
            values: dict[str, Any] = {
                name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET
            }
            values["rev"] = row["rev"] + 1
            await NoteRow.update(values).where(NoteRow.id == id)
        return msgspec.convert({**row, **values}, Note)

    async def delete(self, principal: Principal, id: UUID) -> None:
        await self.read(principal, id)
        await NoteRow.delete().where(NoteRow.id == id)


OWN = "the note is theirs"


@post("/", policy=signed_in(), idempotent=True)
async def create(
    data: JSONBody[NewNote], principal: NamedDependency[Principal], notes: NamedDependency[Notes]
) -> Response[Note]:
    """Write a note."""
    note = await notes.create(principal, data)
    return tagged(note, status=201, headers={"Location": f"/api/v1/notes/{note.id}"})


@post("/paid", policy=signed_in(), idempotent="required")
async def create_paid(
    data: JSONBody[NewNote],
    principal: NamedDependency[Principal],
    notes: NamedDependency[Notes],
    gift: Annotated[bool, QueryParameter(description="Whether its title says that it is one")] = False,
) -> Response[Note]:
    """Write a note that costs something."""
    if gift:
        data = msgspec.structs.replace(data, title="A gift")
    return tagged(await notes.create(principal, data), status=201)


@get("/", policy=signed_in())
async def listing(
    principal: NamedDependency[Principal],
    span: NamedDependency[Span],
    sort: Annotated[str, QueryParameter(pattern="^(newest|title)$", description="`newest` or `title`")] = "newest",
    title: Annotated[str | None, QueryParameter(max_length=100, description="Only notes of this title")] = None,
) -> Page[Note]:
    """Your notes."""
    query = NoteRow.select().where(NoteRow.owner_id == principal.id)
    if title is not None:
        query = query.where(NoteRow.title == title)
    return await page_of(query, SORTS[sort], span, Note)


@get("/{id:uuid}", policy=signed_in(owner=OWN))
async def read(
    id: FromPath[UUID], principal: NamedDependency[Principal], notes: NamedDependency[Notes]
) -> Response[Note]:
    """One of your notes."""
    return tagged(await notes.read(principal, id))


@patch("/{id:uuid}", policy=signed_in(owner=OWN))
async def change(
    id: FromPath[UUID],
    data: JSONBody[NoteChange],
    principal: NamedDependency[Principal],
    notes: NamedDependency[Notes],
    if_match: NamedDependency[IfMatch],
) -> Response[Note]:
    """Change a note that nobody has changed since."""
    return tagged(await notes.change(principal, id, data, if_match))


@delete("/{id:uuid}", policy=signed_in(owner=OWN))
async def remove(id: FromPath[UUID], principal: NamedDependency[Principal], notes: NamedDependency[Notes]) -> None:
    """Throw a note away."""
    await notes.delete(principal, id)


@get("/count", policy=roles(Role.MENTOR, Role.ADMIN))
async def count() -> dict[str, int]:
    """How many notes there are."""
    return {"count": await NoteRow.count()}


@get("/scarce", policy=anyone(), rate=Rate(count=3, seconds=60.0), sync_to_thread=False)
def scarce(visitor: NamedDependency[Principal | None]) -> dict[str, str]:
    """A route with a limit of its own."""
    return {"visitor": "nobody" if visitor is None else visitor.id}


@post("/hook", policy=otherwise("a signature"), status_code=204, sync_to_thread=False)
def hook() -> None:
    """Somebody else's server calls this."""


@get("/broken/{how:str}", policy=anyone(), include_in_schema=False, sync_to_thread=False)
def broken(how: FromPath[str]) -> None:
    match how:
        case "conflict":
            raise Conflict("it is over", code="notes.over")
        case "away":
            raise Unavailable("the shop is away", retry_after=2.5)
        case _:
            raise ValueError("a secret of ours")


class NotesModule(Module):
    name = "notes"
    tables = (NoteRow,)
    migrations = Path(__file__).parent / "migrations"

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.notes = Notes()
        self.routes = (
            Router(
                "/notes",
                route_handlers=[
                    create,
                    create_paid,
                    listing,
                    read,
                    change,
                    remove,
                    count,
                    scarce,
                    hook,
                    broken,
                ],
                dependencies=services(notes=self.notes),
            ),
        )
