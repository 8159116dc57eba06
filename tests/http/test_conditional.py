"""`If-None-Match`: what has not changed is not sent again."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any, Final

import httpx
import pytest

from gateway.http.conditional import OPT, ConditionalRequests, matches
from ksmp_testkit import Caller
from tests.http.test_notes import NOTES, made, user


async def read(client: httpx.AsyncClient, path: str, known: str | list[str] | None = None) -> httpx.Response:
    given = [known] if isinstance(known, str) else known or []
    return await client.get(path, headers=[("If-None-Match", one) for one in given])


def check_unchanged(answer: httpx.Response, first: httpx.Response) -> None:
    """A 304 has the headers that the whole answer would have, but for those of its body."""
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == first.headers["etag"]
    assert "Accept-Encoding" in answer.headers["vary"]
    assert answer.headers["cache-control"] == first.headers["cache-control"]
    assert "ratelimit-remaining" in answer.headers
    for name in ("content-type", "content-encoding", "content-length"):
        assert answer.headers.get(name, "0") == "0"


async def test_a_single_resource_is_known_by_its_revision(caller: Caller) -> None:
    ann = caller(user())
    path = (await made(ann, "A")).headers["location"]
    first = await read(ann, path)
    assert first.headers["etag"] == '"1"'
    for known in ('"1"', 'W/"1"', "*", '"0", "1"', ['"0"', '"1"'], '"a,b",W/"1" , "c"'):
        check_unchanged(await read(ann, path, known), first)
    for other in ('"2"', 'W/"11"', "1", "", '"', '"*"', "nonsense", '"0", "2"'):
        again = await read(ann, path, other)
        assert (again.status_code, again.json()) == (200, first.json()), other
    changed = await ann.patch(path, json={"title": "B"}, headers={"If-Match": '"1"'})
    assert changed.headers["etag"] == '"2"'
    assert (await read(ann, path, '"1"')).json()["title"] == "B"
    check_unchanged(await read(ann, path, '"2"'), changed)


async def test_a_list_is_known_by_what_is_in_it(caller: Caller) -> None:
    ann = caller(user())
    empty = await read(ann, f"{NOTES}/")
    assert empty.headers["etag"].startswith('W/"')
    check_unchanged(await read(ann, f"{NOTES}/", empty.headers["etag"]), empty)
    await made(ann, "A")
    one = await read(ann, f"{NOTES}/", empty.headers["etag"])
    assert [item["title"] for item in one.json()["items"]] == ["A"]
    assert one.headers["etag"] != empty.headers["etag"]
    tag = one.headers["etag"]
    for known in (tag, tag.removeprefix("W/"), "*", f'"x", {tag}', ['"x"', tag]):
        check_unchanged(await read(ann, f"{NOTES}/", known), one)
    for other in ('"x"', tag[:-2] + '"', tag.upper(), tag.removeprefix("W/").strip('"')):
        assert (await read(ann, f"{NOTES}/", other)).json() == one.json(), other
    # Another page is another answer.
    await made(ann, "B")
    assert (await read(ann, f"{NOTES}/?limit=1")).headers["etag"] != (await read(ann, f"{NOTES}/")).headers["etag"]


async def test_a_compressed_list_has_the_same_tag(caller: Caller) -> None:
    ann = caller(user())
    for _ in range(20):
        await made(ann, "A long title that fills an answer until it is compressed")
    tags = set()
    for encoding in ("zstd", "gzip", "identity"):
        answer = await ann.get(f"{NOTES}/", headers={"Accept-Encoding": encoding})
        assert answer.headers.get("content-encoding", "identity") == encoding
        tags.add(answer.headers["etag"])
        check_unchanged(
            await ann.get(f"{NOTES}/", headers={"Accept-Encoding": encoding, "If-None-Match": min(tags)}), answer
        )
    assert len(tags) == 1


async def test_who_may_not_read_learns_nothing(caller: Caller) -> None:
    ann, ben = caller(user()), caller(user())
    path = (await made(ann, "A")).headers["location"]
    assert (await read(ben, path, "*")).status_code == 404
    assert (await read(caller(), path, "*")).status_code == 401
    assert (await read(ann, f"{NOTES}/{uuid.uuid4()}", "*")).status_code == 404


async def test_what_is_no_answer_of_a_module_has_no_tag(caller: Caller) -> None:
    nobody, ann = caller(), caller(user())
    for path in ("/health/live", "/health/ready", "/api/docs"):
        answer = await read(nobody, path, "*")
        assert (answer.status_code, answer.headers.get("etag")) == (200, None), path
    # Its `rev` does not count the last visit: a tag, but never 304.
    admin, id = caller(user(), "admin"), user()
    await caller(id).get("/api/v1/users/me")
    whole = await read(admin, f"/api/v1/users/{id}", "*")
    assert (whole.status_code, whole.json()["id"]) == (200, id)
    # A method that changes something takes no notice.
    created = await ann.post(f"{NOTES}/", json={"title": "A"}, headers={"If-None-Match": "*"})
    assert created.status_code == 201


JSON: Final = [(b"content-type", b"application/json")]
START: Final = {"type": "http.response.start", "status": 200, "headers": JSON}


async def passed(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    """What comes of an answer to a request that takes no answer it knows, whichever that is."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    async def send(message: Any) -> None:
        sent.append(message)

    handler = SimpleNamespace(opt={OPT: True})
    scope: Any = {"method": "GET", "route_handler": handler, "headers": [(b"if-none-match", b"*")]}
    await ConditionalRequests().handle(scope, app, send, app)  # type: ignore[arg-type]
    return sent


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([START, {"type": "http.response.pathsend", "path": "/a.json"}], id="a file"),
        pytest.param(
            [START, {"type": "http.response.body", "body": b"[", "more_body": True}, {"type": "http.response.body"}],
            id="a stream",
        ),
        pytest.param([{**START, "status": 206}, {"type": "http.response.body", "body": b"{"}], id="a range"),
        pytest.param([{"type": "http.response.start", "status": 200}, {"type": "http.response.body"}], id="no headers"),
    ],
)
async def test_an_answer_that_is_not_whole_json_passes_as_it_is(messages: list[dict[str, Any]]) -> None:
    assert await passed(*messages) == messages


async def test_a_body_that_an_answer_leaves_out_is_empty() -> None:
    start, body = await passed(START, {"type": "http.response.body"})
    assert (start["status"], body["body"]) == (304, b"")


async def test_a_file_with_a_tag_of_its_own_is_not_sent_again() -> None:
    start = {"type": "http.response.start", "status": 200, "headers": [(b"etag", b'W/"a"'), (b"content-type", b"x/y")]}
    pieces = [{"type": "http.response.body", "body": b"1", "more_body": True}, {"type": "http.response.body"}]
    answer, body = await passed(start, *pieces)
    assert (answer["status"], answer["headers"]) == (304, [(b"etag", b'W/"a"'), (b"vary", b"Accept-Encoding")])
    assert body == {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    ("given", "tag", "expected"),
    [
        ([], b'"1"', False),
        ([b"*"], b'"1"', True),
        ([b'"1"'], b'W/"1"', True),
        ([b'W/"1"'], b'"1"', True),
        ([b'"a"', b'"1"'], b'"1"', True),
        ([b'"a, b" , W/"c"'], b'"a"', False),
        ([b'""'], b'""', True),
        ([b"1"], b'"1"', False),
        ([b'*, "2"'], b'"1"', False),
    ],
)
def test_tags_are_compared_weakly(given: list[bytes], tag: bytes, expected: bool) -> None:
    assert matches(given, tag) is expected
