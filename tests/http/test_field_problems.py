"""A field that is wrong is named as the caller knows it, and what it takes is said without a pattern."""

from __future__ import annotations

import uuid

import pytest

from ksmp_testkit import Caller


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        (
            "GET",
            "payments/disputes?state=nope",
            None,
            {"field": "state", "message": "must be one of: open, under_review, closed, won, lost", "in": "query"},
        ),
        (
            "GET",
            "payments/reports/ledger?format=pdf",
            None,
            {"field": "format", "message": "must be one of: json, csv, xlsx", "in": "query"},
        ),
        (
            "GET",
            "payments/reports/ledger?since=2026-04-01",
            None,
            {"field": "since", "message": "must be a time such as 2026-04-30T18:30:00Z", "in": "query"},
        ),
        ("POST", "payments/coupons", {"kind": "percent"}, {"field": "code", "message": "is required", "in": "body"}),
        (
            "POST",
            "payments/orders/none/refunds",
            {},
            {"field": "reason", "message": "is required", "in": "body"},
        ),
    ],
)
async def test_a_field_that_is_wrong_is_named_as_the_caller_knows_it(
    caller: Caller, method: str, path: str, body: object, problem: dict[str, str]
) -> None:
    admin = caller(uuid.uuid4().hex, "admin")
    options = {} if body is None else {"json": body, "headers": {"Idempotency-Key": uuid.uuid4().hex}}
    answer = await admin.request(method, f"/api/v1/{path}", **options)
    assert (answer.status_code, answer.json()["errors"]) == (400, [problem])
