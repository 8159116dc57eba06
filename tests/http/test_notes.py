"""The conventions at work, on a small resource: create once, list by cursor, change by revision."""

from __future__ import annotations

import asyncio
import uuid

import asyncpg
import httpx
import pytest

from gateway.errors import Conflict, Limited, Unavailable
from ksmp_testkit import Caller, MakeGateway, MakeToken
from tests.http.conftest import Site
from tests.http.notes import NotesModule

NOTES = "/api/v1/notes"


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


def user() -> str:
    return uuid.uuid4().hex


async def made(ann: httpx.AsyncClient, title: str = "A", **headers: str) -> httpx.Response:
    return await ann.post(f"{NOTES}/", json={"title": title}, headers=headers)


async def test_what_is_created_can_be_read_changed_and_deleted(caller: Caller) -> None:
    ann = caller(user())
    created = await made(ann)
    assert created.status_code == 201
    note = created.json()
    assert uuid.UUID(note["id"]).version == 7
    assert note["created_at"].endswith("Z")
    place = created.headers["location"]
    read = await ann.get(place)
    assert (read.json(), read.headers["etag"]) == (note, '"1"')
    changed = await ann.patch(place, json={"title": "B"}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200
    assert (changed.json()["title"], changed.json()["rev"], changed.headers["etag"]) == ("B", 2, '"2"')
    assert (await ann.get(place)).json() == changed.json()
    assert (await ann.delete(place)).status_code == 204
    problem(await ann.get(place), 404, "not_found")


async def test_an_update_states_what_it_has_seen(caller: Caller) -> None:
    ann = caller(user())
    place = (await made(ann)).headers["location"]
    problem(await ann.patch(place, json={"title": "B"}), 428, "precondition_required")
    for tag in ('"2"', '"0", "7"', '""', '"x"'):
        answer = await ann.patch(place, json={"title": "B"}, headers={"If-Match": tag})
        problem(answer, 412, "precondition_failed")
    for nothing in ("1", '"1', "W/", "", "x, y"):
        answer = await ann.patch(place, json={"title": "B"}, headers={"If-Match": nothing})
        assert problem(answer, 400, "invalid")["errors"]
    # A list of tags, a tag that a proxy has weakened, and any at all.
    for tag in ('"9", "1"', 'W/"2"', "*"):
        assert (await ann.patch(place, json={"title": "C"}, headers={"If-Match": tag})).status_code == 200


async def test_of_two_changes_at_once_one_wins(caller: Caller) -> None:
    ann = caller(user())
    place = (await made(ann)).headers["location"]
    answers = await asyncio.gather(
        *(ann.patch(place, json={"title": str(n)}, headers={"If-Match": '"1"'}) for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


async def listed(ann: httpx.AsyncClient, **query: str | int) -> list[str]:
    """All titles, page by page."""
    titles: list[str] = []
    cursor: str | None = None
    while True:
        answer = await ann.get(f"{NOTES}/", params={**query, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        titles += [item["title"] for item in page["items"]]
        assert len(page["items"]) <= int(query.get("limit", 50))
        cursor = page["next"]
        if cursor is None:
            return titles


async def test_a_list_comes_in_pages(caller: Caller) -> None:
    ann, ben = caller(user()), caller(user())
    assert await listed(ann) == []
    for title in "bdace":
        await made(ann, title)
    await made(ben, "z")
    for limit in (1, 2, 4, 5, 6):
        assert await listed(ann, limit=limit) == list("ecadb")
        assert await listed(ann, limit=limit, sort="title") == list("abcde")
    assert await listed(ann, title="c") == ["c"]


async def test_what_comes_between_two_pages_neither_repeats_nor_skips(caller: Caller) -> None:
    ann = caller(user())
    places = {title: (await made(ann, title)).headers["location"] for title in "abcd"}
    first = (await ann.get(f"{NOTES}/", params={"limit": 2})).json()
    assert [item["title"] for item in first["items"]] == ["d", "c"]
    await made(ann, "new")
    await ann.delete(places["c"])
    second = (await ann.get(f"{NOTES}/", params={"limit": 2, "cursor": first["next"]})).json()
    assert ([item["title"] for item in second["items"]], second["next"]) == (["b", "a"], None)


async def test_notes_of_one_moment_are_all_listed(caller: Caller, database: asyncpg.Pool) -> None:
    ann = user()
    await database.executemany(
        "INSERT INTO note (id, owner_id, title, body, rev, created_at) VALUES ($1, $2, $3, '', 1, '2026-01-01Z')",
        [(uuid.uuid4(), ann, str(number)) for number in range(7)],
    )
    assert sorted(await listed(caller(ann), limit=2)) == [str(number) for number in range(7)]


async def test_a_cursor_is_of_one_order_and_made_by_us(caller: Caller) -> None:
    ann = caller(user())
    await made(ann)
    await made(ann)
    cursor = (await ann.get(f"{NOTES}/", params={"limit": 1})).json()["next"]
    for query in (
        {"cursor": cursor, "sort": "title"},
        {"cursor": cursor[:-3]},
        {"cursor": "é"},
        {"cursor": "WyJuZXdlc3QiXQ"},
        {"cursor": "WyJuZXdlc3QiLDEsMl0"},
        {"cursor": "e30"},
    ):
        found = problem(await ann.get(f"{NOTES}/", params=query), 400, "invalid")
        assert found["errors"] == [{"field": "cursor", "message": found["detail"]}]
    for limit in (0, -1, 201, "x"):
        problem(await ann.get(f"{NOTES}/", params={"limit": limit}), 400, "invalid")


async def test_errors_name_the_field(caller: Caller) -> None:
    ann = caller(user())
    found = problem(await ann.post(f"{NOTES}/", json={"title": 5}), 400, "invalid")
    assert found["errors"] == [{"field": "title", "message": "Expected `str`, got `int`", "in": "body"}]
    for bad in ({}, {"title": ""}, {"title": "x" * 101}, [], None):
        assert problem(await ann.post(f"{NOTES}/", json=bad), 400, "invalid")
    # Well-formed JSON that PostgreSQL's text cannot hold.
    problem(await made(ann, "a\0b"), 400, "invalid")


async def test_a_module_s_own_errors(caller: Caller) -> None:
    nobody = caller()
    assert problem(await nobody.get(f"{NOTES}/broken/conflict"), 409, "notes.over")["detail"] == "it is over"
    away = await nobody.get(f"{NOTES}/broken/away")
    assert problem(away, 503, "unavailable")["temporary"] is True
    assert away.headers["retry-after"] == "3"
    broken = await nobody.get(f"{NOTES}/broken/otherwise")
    assert problem(broken, 500, "internal")["detail"] == "internal error"
    assert "secret" not in broken.text


class TestIdempotency:
    async def test_a_repeat_is_answered_as_the_first(self, caller: Caller, site: Site) -> None:
        ann = caller(user())
        before = site.notes.made
        first = await made(ann, **{"Idempotency-Key": "k"})
        again = await made(ann, **{"Idempotency-Key": "k", "Accept-Encoding": "identity"})
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content
        for header in ("etag", "location", "content-type"):
            assert again.headers[header] == first.headers[header]
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
        assert site.notes.made == before + 1

    async def test_the_key_is_of_one_user_and_one_request(self, caller: Caller) -> None:
        ann, ben = caller(user()), caller(user())
        key = {"Idempotency-Key": "k"}
        first = await made(ann, "A", **key)
        other = await made(ben, "A", **key)
        assert other.status_code == 201
        assert other.json()["id"] != first.json()["id"]
        problem(await made(ann, "B", **key), 422, "key_reused")
        problem(await ann.post(f"{NOTES}/paid", json={"title": "A"}, headers=key), 422, "key_reused")
        paid = {"Idempotency-Key": "paid"}
        assert (await ann.post(f"{NOTES}/paid", json={"title": "A"}, headers=paid)).status_code == 201
        problem(await ann.post(f"{NOTES}/paid?gift=true", json={"title": "A"}, headers=paid), 422, "key_reused")

    async def test_a_repeat_of_what_is_being_served_is_a_conflict(self, caller: Caller, site: Site) -> None:
        ann = caller(user())
        site.notes.hold = asyncio.Event()
        before = site.notes.made
        try:
            first = asyncio.create_task(made(ann, **{"Idempotency-Key": "k"}))
            while site.notes.made == before:
                await asyncio.sleep(0.005)
            repeat = await made(ann, **{"Idempotency-Key": "k"})
            # The same request is answered once the first one is.
            assert problem(repeat, 409, "conflict")["temporary"] is True
            assert int(repeat.headers["Retry-After"]) >= 1
            problem(await made(ann, "B", **{"Idempotency-Key": "k"}), 422, "key_reused")
        finally:
            site.notes.hold.set()
            site.notes.hold = None
        created = await first
        assert created.status_code == 201
        assert (await made(ann, **{"Idempotency-Key": "k"})).json() == created.json()
        assert site.notes.made == before + 1

    async def test_many_at_once_happen_once(self, caller: Caller, site: Site) -> None:
        ann = caller(user())
        before = site.notes.made
        answers = await asyncio.gather(*(made(ann, **{"Idempotency-Key": "k"}) for _ in range(8)))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert site.notes.made == before + 1
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1

    @pytest.mark.parametrize(
        ("failure", "status", "kept"),
        [
            (ValueError("broken"), 500, False),
            (Unavailable("away"), 503, False),
            (Limited("slow down", retry_after=1), 429, False),
            (Conflict("too late"), 409, True),
        ],
    )
    async def test_what_may_succeed_later_is_not_kept(
        self, caller: Caller, site: Site, failure: Exception, status: int, kept: bool
    ) -> None:
        ann = caller(user())
        site.notes.failure = failure
        try:
            assert (await made(ann, **{"Idempotency-Key": "k"})).status_code == status
        finally:
            site.notes.failure = None
        assert (await made(ann, **{"Idempotency-Key": "k"})).status_code == (status if kept else 201)

    async def test_where_it_is_required(self, caller: Caller) -> None:
        ann = caller(user())
        missing = problem(await ann.post(f"{NOTES}/paid", json={"title": "A"}), 400, "invalid")
        assert missing["errors"] == [{"field": "Idempotency-Key", "message": "Idempotency-Key is required here"}]
        for key in ("", "a b", "x" * 256):
            headers = {"Idempotency-Key": key}
            problem(await ann.post(f"{NOTES}/paid", json={"title": "A"}, headers=headers), 400, "invalid")
        answer = await ann.post(f"{NOTES}/paid", json={"title": "A"}, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 201

    async def test_a_key_whose_gateway_died_is_free_after_its_lease(
        self, caller: Caller, site: Site, database: asyncpg.Pool
    ) -> None:
        name = user()
        ann = caller(name)
        await made(ann, **{"Idempotency-Key": "k"})
        dead = "UPDATE idempotency_key SET status = NULL, started_at = now() - $2 * interval '1 s' WHERE principal = $1"
        await database.execute(dead, name, 30.0)
        problem(await made(ann, **{"Idempotency-Key": "k"}), 409, "conflict")
        await database.execute(dead, name, 90.0)
        problem(await made(ann, "B", **{"Idempotency-Key": "k"}), 422, "key_reused")
        assert (await made(ann, **{"Idempotency-Key": "k"})).status_code == 201

    async def test_a_key_is_forgotten_after_its_keeping(
        self, caller: Caller, site: Site, database: asyncpg.Pool
    ) -> None:
        name = user()
        ann = caller(name)
        await made(ann, **{"Idempotency-Key": "k"})
        await database.execute(
            "UPDATE idempotency_key SET started_at = now() - interval '25 h' WHERE principal = $1", name
        )
        assert (await made(ann, "B", **{"Idempotency-Key": "k"})).status_code == 201

    async def test_without_postgresql_nothing_is_promised(
        self, gateway: MakeGateway, site: Site, token: MakeToken
    ) -> None:
        """A key that cannot be stored is refused, rather than served without its promise."""
        away = "postgresql://nobody:hidden@127.0.0.1:1/ksmp"
        async with (
            gateway(more=[NotesModule], database_url=away) as running,
            httpx.AsyncClient(base_url=running.url, headers={"Authorization": f"Bearer {token('ann')}"}) as ann,
        ):
            problem(await made(ann, **{"Idempotency-Key": "k"}), 503, "unavailable")
            assert running.module(NotesModule).notes.made == 0
