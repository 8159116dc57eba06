"""Rooms through the server API: publishing, who is there, and what was said."""

from __future__ import annotations

import pytest

from ksmp_testkit import CreateClass
from ksmp_testkit.answers import done, refused
from tests.modules.integrations.service_client import MakeService

ALL = ["rooms.publish", "rooms.presence", "rooms.history"]


async def test_a_message_reaches_the_room_once_and_stays(create_class: CreateClass, make_service: MakeService) -> None:
    lesson = await create_class(students=2)
    room = f"session:{lesson.id}"
    service = await make_service(ALL, [room])
    message = {"room": room, "name": "scores.changed", "data": {"points": [1, None, "ü"]}, "id": "one"}
    first = done(await service.http.post("/publish", json=message))
    again = done(await service.http.post("/publish", json=message))
    assert (again["seq"], again["duplicate"], first["duplicate"]) == (first["seq"], True, False)
    for student in lesson.students:
        push = await student.expect_push("integrations.message")
        assert push["seq"] == first["seq"]
        assert push["data"] == {"name": "scores.changed", "service": service.id, "data": {"points": [1, None, "ü"]}}
        assert "from" not in push
    page = done(await service.http.get(f"/rooms/{room}/history", params={"limit": 1}))
    (item,) = page["items"]
    assert (item["seq"], item["push"], item["from"]) == (first["seq"], "integrations.message", None)


async def test_an_ephemeral_message_is_not_stored(create_class: CreateClass, make_service: MakeService) -> None:
    lesson = await create_class()
    service = await make_service(ALL, ["session:*"])
    message = {"room": f"session:{lesson.id}", "name": "tick", "data": 1, "ephemeral": True}
    assert done(await service.http.post("/publish", json=message))["seq"] is None
    assert "seq" not in await lesson.student.expect_push("integrations.message")


async def test_who_is_there(create_class: CreateClass, make_service: MakeService) -> None:
    lesson = await create_class(students=2)
    service = await make_service(ALL, ["session:*"])
    path = f"/rooms/session:{lesson.id}/presence"
    whole = done(await service.http.get(path))
    assert whole["count"] == len(whole["members"]) == 3
    assert sorted(one["role"] for one in whole["members"]) == ["mentor", "student", "student"]
    # By id, and without names.
    assert all(set(one) == {"id", "role", "since"} for one in whole["members"])
    first = done(await service.http.get(path, params={"limit": 2}))
    rest = done(await service.http.get(path, params={"limit": 2, "after": first["next"]}))
    assert [*first["members"], *rest["members"]] == whole["members"]
    assert (first["count"], rest["next"]) == (3, None)


async def test_history_in_pages(create_class: CreateClass, make_service: MakeService) -> None:
    lesson = await create_class()
    room = f"session:{lesson.id}"
    service = await make_service(ALL, [room])
    batch = {"messages": [{"room": room, "name": f"m{number}", "data": number} for number in range(5)]}
    results = done(await service.http.post("/publish/batch", json=batch))["results"]
    seqs = [result["seq"] for result in results]
    assert seqs == sorted(seqs)
    seen: list[int] = []
    before, more = seqs[-1] + 1, True
    while more and len(seen) < 5:
        page = done(await service.http.get(f"/rooms/{room}/history", params={"limit": 2, "before": before}))
        seen = [item["seq"] for item in page["items"]] + seen
        before, more = seen[0], page["more"]
    assert seen[-5:] == seqs


async def test_one_of_a_batch_may_fail(make_service: MakeService, create_class: CreateClass) -> None:
    lesson = await create_class()
    room = f"session:{lesson.id}"
    service = await make_service(ALL, ["session:*"])
    large = {"room": room, "name": "large", "data": "x" * 40_000}
    small = {"room": room, "name": "small", "data": 1}
    first, second = done(await service.http.post("/publish/batch", json={"messages": [large, small]}))["results"]
    assert (first["error"]["code"], first["seq"]) == ("too_large", None)
    assert second["error"] is None
    refused(await service.http.post("/publish", json=large), 413, "too_large")
    # Of a room that the key is not for, nothing of the batch is published.
    foreign = {"messages": [small, {**small, "room": "user:somebody"}]}
    refused(await service.http.post("/publish/batch", json=foreign), 403, "forbidden")
    page = done(await service.http.get(f"/rooms/{room}/history", params={"limit": 3}))
    assert [item["seq"] for item in page["items"] if item["push"] == "integrations.message"] == [second["seq"]]


@pytest.mark.parametrize("path", ["/rooms/user:somebody/presence", "/rooms/chat:a/history", "/rooms/nothing/history"])
async def test_rooms_that_are_not_the_keys(make_service: MakeService, path: str) -> None:
    service = await make_service(ALL, ["session:*"])
    assert (await service.http.get(path)).json()["code"] in ("forbidden", "invalid")


async def test_rooms_without_presence(make_service: MakeService) -> None:
    service = await make_service(ALL, ["user:somebody"])
    refused(await service.http.get("/rooms/user:somebody/presence"), 400, "invalid")
