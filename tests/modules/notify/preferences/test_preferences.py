"""What users choose holds at the next delivery, and on all their devices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import asyncpg
import pytest

from ksmp_testkit import Clients, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from modules.notify.facade import EMAIL, IN_APP, PUSH, muted_rooms
from modules.notify.module import NotifyModule
from modules.notify.preferences.quiet_hours import QUIET_HOURS, QuietHours
from tests.modules.notify.quizzes import QuizzesModule, give, person

PLACE = "/api/v1/notify/preferences"
MUTES = "/api/v1/notify/mutes"
ANY = {"If-Match": "*"}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str]) -> AsyncIterator[Running]:
    environ = {**environ, "KSMP_NOTIFY_WORKERS": "0", "KSMP_NOTIFY_MUTES": "2"}
    async with gateway(more=[QuizzesModule], environ=environ) as running:
        yield running


def choices(shown: Any, name: str) -> dict[str, tuple[bool, bool]]:
    """Of a category or a kind: by channel, whether it is wanted and whether that was chosen."""
    for category in shown["categories"]:
        for entry in (category, *category["kinds"]):
            if entry["name"] == name:
                return {one["channel"]: (one["wanted"], one["chosen"]) for one in entry["choices"]}
    raise AssertionError(f"no {name}")


async def test_a_category_shows_its_own_choice_and_new_quiet_hours_free_what_waited(
    clients: Clients, database: asyncpg.Pool
) -> None:
    ann = person()
    rest = clients.rest(ann)
    change = {
        "choices": [
            {"name": "quizzes.talk", "channel": EMAIL, "wanted": True},
            {"name": "talk", "channel": EMAIL, "wanted": False},
        ]
    }
    shown = done(await rest.patch(PLACE, json=change, headers=ANY))
    assert choices(shown, "talk")[EMAIL] == (False, True)
    assert choices(shown, "quizzes.talk")[EMAIL] == (True, True)
    (given,) = await give(database, [ann])
    waits = "UPDATE notify_delivery SET due_at = now() + interval '9 hours', reason = $2 WHERE id = $1"
    for channel, reason in ((PUSH, QUIET_HOURS), (EMAIL, "digest")):
        await database.execute(waits, given.deliveries[channel], reason)
    done(await rest.patch(PLACE, json={"quiet": None}, headers=ANY))
    left = "SELECT channel FROM notify_delivery WHERE user_id = $1 AND due_at > now()"
    assert [row["channel"] for row in await database.fetch(left, ann)] == [EMAIL]


async def test_defaults_and_what_is_chosen(clients: Clients) -> None:
    ann = person()
    rest, device = clients.rest(ann), await clients.member(f"user:{ann}", ann)
    first = await rest.get(PLACE)
    assert (first.headers["etag"], first.json()["time_zone"], first.json()["language"]) == ('"0"', "Asia/Kolkata", None)
    assert choices(first.json(), "talk") == {IN_APP: (True, False), PUSH: (True, False), EMAIL: (False, False)}
    change = {
        "language": "hi-IN",
        "quiet": {"start": "22:00", "end": "07:00"},
        "choices": [
            {"name": "quizzes", "channel": PUSH, "wanted": False},
            {"name": "quizzes.now", "channel": PUSH, "wanted": True},
            {"name": "talk", "channel": EMAIL, "wanted": True},
        ],
    }
    refused(await rest.patch(PLACE, json=change), 428, "precondition_required")
    changed = await rest.patch(PLACE, json=change, headers={"If-Match": '"0"'})
    shown = done(changed)
    assert (changed.headers["etag"], shown["language"], shown["quiet"]) == (
        '"1"',
        "hi-IN",
        {"start": "22:00", "end": "07:00"},
    )
    assert choices(shown, "quizzes.made")[PUSH] == (False, False)
    assert choices(shown, "quizzes.now")[PUSH] == (True, True)
    # A receipt cannot be turned off with its category.
    assert choices(shown, "quizzes.marked")[PUSH] == (True, False)
    assert choices(shown, "talk")[EMAIL] == (True, True)
    assert (await device.expect_push("notify.preferences"))["data"] == shown
    refused(await rest.patch(PLACE, json={"quiet": None}, headers={"If-Match": '"0"'}), 412, "precondition_failed")
    back = {"quiet": None, "language": None, "choices": [{"name": "quizzes", "channel": PUSH, "wanted": None}]}
    again = done(await rest.patch(PLACE, json=back, headers={"If-Match": '"1"'}))
    assert (again["quiet"], again["language"], again["rev"]) == (None, None, 2)
    assert choices(again, "quizzes.made")[PUSH] == (True, False)
    assert done(await clients.rest(person()).get(PLACE))["rev"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"choices": [{"name": "nothing", "channel": PUSH, "wanted": True}]},
        {"choices": [{"name": "quizzes", "channel": "fax", "wanted": True}]},
        {"choices": [{"name": "quizzes.marked", "channel": EMAIL, "wanted": False}]},
        {"quiet": {"start": "22:00", "end": "22:00"}},
        {"quiet": {"start": "24:00", "end": "07:00"}},
        {"language": "hi_IN"},
        {"language": "hi\n"},
    ],
)
async def test_what_cannot_be_chosen(clients: Clients, change: dict[str, Any]) -> None:
    rest = clients.rest(person())
    refused(await rest.patch(PLACE, json=change, headers=ANY), 400, "invalid")
    assert done(await rest.get(PLACE))["rev"] == 0


async def test_rooms_are_muted_for_a_time_or_for_good(node: Running, clients: Clients) -> None:
    ann = person()
    rest = clients.rest(ann)
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert done(await rest.put(f"{MUTES}/direct:7", json={"until": until}))["room"] == "direct:7"
    done(await rest.put(f"{MUTES}/program:p", json={}))
    refused(await rest.put(f"{MUTES}/program:q", json={}), 409, "notify.too_many_mutes")
    # One that is muted may be muted anew.
    done(await rest.put(f"{MUTES}/program:p", json={}))
    refused(await rest.put(f"{MUTES}/nowhere", json={}), 400, "invalid")
    refused(await rest.put(f"{MUTES}/direct:8", json={"until": "2020-01-01T00:00:00Z"}), 400, "invalid")
    assert [one["room"] for one in done(await rest.get(PLACE))["mutes"]] == ["direct:7", "program:p"]
    kernel = node.module(QuizzesModule).kernel
    assert await muted_rooms(kernel, ann) == {"direct:7", "program:p"}
    assert await muted_rooms(kernel, person()) == set()
    for _ in range(2):
        assert (await rest.delete(f"{MUTES}/program:p")).status_code == 204
    assert await muted_rooms(kernel, ann) == {"direct:7"}


async def test_readers_have_the_zone_and_language_of_their_profile(node: Running, clients: Clients) -> None:
    ann, bob, never = person(), person(), person()
    rest = clients.rest(ann)
    profile = {"time_zone": "Europe/Berlin", "locale": "de-DE"}
    done(await rest.patch("/api/v1/users/me", json=profile, headers=ANY))
    await clients.rest(bob).get("/api/v1/users/me")
    readers = node.module(NotifyModule).readers
    found = await readers.load([ann, bob, never])
    assert [(found[user].time_zone, found[user].language, found[user].gone) for user in (ann, bob, never)] == [
        ("Europe/Berlin", "de-DE", False),
        ("Asia/Kolkata", "en", False),
        ("Asia/Kolkata", "en", False),
    ]
    chosen = {"language": "hi", "quiet": {"start": "21:30", "end": "06:00"}}
    shown = done(await rest.patch(PLACE, json=chosen, headers=ANY))
    assert shown["time_zone"] == "Europe/Berlin"
    reader = (await readers.load([ann]))[ann]
    assert (reader.language, reader.quiet) == ("hi", QuietHours(time(21, 30), time(6)))
    done(await clients.rest("boss", "admin").post(f"/api/v1/users/{bob}/block", json={}), 200)
    assert (await readers.load([bob]))[bob].gone


async def test_who_wants_it_not_in_the_app_has_it_not_in_the_list(node: Running, clients: Clients) -> None:
    ann, bob = person(), person()
    change = {"choices": [{"name": "talk", "channel": IN_APP, "wanted": False}]}
    done(await clients.rest(ann).patch(PLACE, json=change, headers=ANY))
    module = node.module(NotifyModule)
    kind = module.kinds.kinds["quizzes.talk"]
    assert await module.inbox.listed(kind, [ann, bob]) == [bob]


async def test_a_link_in_a_mail_turns_a_category_off(node: Running, clients: Clients) -> None:
    ann = person()
    await node.module(NotifyModule).preferences.turn_off(ann, "quizzes", EMAIL)
    shown = done(await clients.rest(ann).get(PLACE))
    assert choices(shown, "quizzes.made") == {IN_APP: (True, False), PUSH: (True, False), EMAIL: (False, False)}
    assert choices(shown, "quizzes.marked")[EMAIL] == (True, False)


async def test_what_was_chosen_is_exported_and_goes_with_the_user(node: Running, clients: Clients) -> None:
    ann = person()
    rest = clients.rest(ann)
    await rest.get("/api/v1/users/me")
    change = {
        "quiet": {"start": "22:00", "end": "07:00"},
        "choices": [{"name": "talk", "channel": EMAIL, "wanted": True}],
    }
    done(await rest.patch(PLACE, json=change, headers=ANY))
    done(await rest.put(f"{MUTES}/direct:7", json={}))
    held = done(await rest.get("/api/v1/users/me/export"))["modules"]["notify"]
    assert held == {
        "reader": [{"language": None, "quiet_from": "22:00:00", "quiet_until": "07:00:00"}],
        "preferences": [{"name": "talk", "channel": EMAIL, "wanted": True}],
        "mutes": [{"room": "direct:7", "until": None}],
    }
    assert (await rest.delete("/api/v1/users/me")).status_code == 204
    module = node.module(NotifyModule)
    assert await module.export(ann) == {}
    for table in ("notify_reader", "notify_preference", "notify_mute", "notify_inbox", "notify_digest"):
        assert not await node.gateway.database.fetch(f"SELECT FROM {table} WHERE user_id = $1", ann)
