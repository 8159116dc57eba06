"""Coupons by REST: who makes, sees and changes them, and how."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import Caller
from ksmp_testkit.answers import done, refused
from tests.modules.programs.programs import ANY, created, id_of, signed_in, user

COUPONS = "/api/v1/payments/coupons"


def code() -> str:
    return f"c-{uuid.uuid4().hex}"


def new(program: str | None, **values: Any) -> dict[str, Any]:
    return {"code": code(), "kind": "percent", "value": 1250, "program_id": program} | values


async def made(who: httpx.AsyncClient, program: str | None, **values: Any) -> dict[str, Any]:
    found: dict[str, Any] = done(await who.post(COUPONS, json=new(program, **values)), 201)
    return found


async def test_a_mentor_makes_reads_changes_and_deactivates(caller: Caller) -> None:
    mentor = caller(user(), "mentor")
    program = id_of(await created(mentor))
    answer = await mentor.post(
        COUPONS, json=new(program, code="x" * 30 + uuid.uuid4().hex[:10], limit_total=5, currency="INR")
    )
    coupon = done(answer, 201)
    assert coupon["code"] == coupon["code"].upper()
    assert (coupon["used"], coupon["active"], coupon["rev"]) == (0, True, 1)
    path = f"{COUPONS}/{coupon['id']}"
    assert answer.headers["location"].endswith(path)
    assert done(await mentor.get(path)) == coupon

    refused(await mentor.patch(path, json={"limit_total": 7}), 428, "precondition_required")
    changed = done(await mentor.patch(path, json={"limit_total": 7}, headers={"If-Match": '"1"'}))
    assert changed == coupon | {"limit_total": 7, "rev": 2}
    refused(await mentor.patch(path, json={"value": 1}, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    unlimited = done(await mentor.patch(path, json={"limit_total": None}, headers=ANY))
    assert unlimited["limit_total"] is None
    off = done(await mentor.post(f"{path}/deactivate", headers=ANY))
    assert (off["active"], off["rev"]) == (False, 4)
    assert done(await mentor.patch(path, json={"active": True}, headers=ANY))["active"]


async def test_nobody_else_sees_or_changes_a_coupon(caller: Caller) -> None:
    mentor, other, admin = (caller(user(), role) for role in ("mentor", "mentor", "admin"))
    second = caller(helper := user(), "mentor")
    students = [caller(user()), caller(named := user())]
    await signed_in(mentor, second, other, admin, *students)
    # Who is named as a co-mentor and has the role of a student teaches nothing.
    program = id_of(await created(mentor, co_mentors=[helper, named]))
    coupon, general = await made(mentor, program), await made(admin, None)
    path = f"{COUPONS}/{coupon['id']}"

    for student in students:
        refused(await student.post(COUPONS, json=new(program)), 403, "forbidden")
        refused(await student.get(COUPONS), 403, "forbidden")
        refused(await student.get(path), 403, "forbidden")
        refused(await student.patch(path, json={"value": 10000}, headers=ANY), 403, "forbidden")
        refused(await student.post(f"{path}/deactivate", headers=ANY), 403, "forbidden")
    refused(await other.post(COUPONS, json=new(program)), 403, "forbidden")
    refused(await other.post(COUPONS, json=new(None)), 403, "forbidden")
    refused(await other.get(f"{COUPONS}?program={program}"), 403, "forbidden")
    for stranger, one in ((other, coupon), (mentor, general), (second, general)):
        theirs = f"{COUPONS}/{one['id']}"
        refused(await stranger.get(theirs), 404, "not_found")
        refused(await stranger.patch(theirs, json={"value": 10000}, headers=ANY), 404, "not_found")
        refused(await stranger.post(f"{theirs}/deactivate", headers=ANY), 404, "not_found")
    refused(await caller().get(path), 401, "unauthenticated")

    for teacher in (mentor, second):
        assert done(await teacher.get(COUPONS))["items"] == [coupon]
        assert done(await teacher.get(f"{COUPONS}?program={program}"))["items"] == [coupon]
    assert done(await other.get(COUPONS))["items"] == []
    assert [item["id"] for item in done(await admin.get(f"{COUPONS}?limit=2"))["items"]] == [
        general["id"],
        coupon["id"],
    ]
    done(await admin.patch(path, json={"value": 500}, headers=ANY))
    done(await second.post(f"{path}/deactivate", headers=ANY))


@pytest.mark.parametrize(
    "values",
    [
        {"code": "ab"},
        {"code": "DIWALI 26"},
        {"code": "D\u0131WALI"},
        {"value": 0},
        {"value": 10001},
        {"kind": "amount"},
        {"kind": "amount", "currency": "inr"},
        {"most_discount": 5},
        {"limit_user": 0},
        {"starts_at": "2026-11-30T12:00:00"},
        {"starts_at": "2026-11-30T12:00:00Z", "ends_at": "2026-11-30T12:00:00+00:00"},
        {"program_id": "no-such-program"},
        {"used": -5},
    ],
)
async def test_what_is_no_coupon(caller: Caller, values: dict[str, Any]) -> None:
    refused(await caller(user(), "admin").post(COUPONS, json=new(None) | values), 400, "invalid")


async def test_a_change_that_does_not_fit_is_refused(caller: Caller) -> None:
    admin = caller(user(), "admin")
    starts = datetime.now(UTC)
    percent = await made(admin, None, starts_at=starts.isoformat())
    amount = await made(admin, None, kind="amount", value=20000, currency="INR")
    for one, change in (
        (percent, {"value": 10001}),
        (percent, {"most_discount": 1}),
        (percent, {"ends_at": (starts - timedelta(days=1)).isoformat()}),
        (amount, {"most_discount": 1}),
        (amount, {"value": None}),
        (amount, {"code": "OTHER"}),
    ):
        refused(await admin.patch(f"{COUPONS}/{one['id']}", json=change, headers=ANY), 400, "invalid")
        assert done(await admin.get(f"{COUPONS}/{one['id']}")) == one


async def test_of_two_who_make_one_code_one_does(caller: Caller) -> None:
    admin, name = caller(user(), "admin"), code()
    answers = await asyncio.gather(
        *(admin.post(COUPONS, json=new(None, code=one)) for one in (name, name.upper(), name, name.upper()))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    refused(next(answer for answer in answers if answer.status_code == 409), 409, "payments.coupon_code_taken")


async def test_a_limit_below_the_uses_lets_nobody_else_in(caller: Caller, database: asyncpg.Pool[Any]) -> None:
    admin = caller(user(), "admin")
    coupon = await made(admin, None, limit_total=9)
    await database.execute("UPDATE payments_coupon SET used = 5 WHERE id = $1", coupon["id"])
    path = f"{COUPONS}/{coupon['id']}"
    # An order that takes it does not change the revision: the editor's is still the newest.
    changed = done(await admin.patch(path, json={"limit_total": 3}, headers={"If-Match": '"1"'}))
    assert (changed["limit_total"], changed["used"]) == (3, 5)
    assert done(await admin.get(path)) == changed
