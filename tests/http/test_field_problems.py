"""A field that is wrong is named as the caller knows it, and what it takes is said without a pattern."""

from __future__ import annotations

import uuid
from typing import Any, get_args

import pytest

from ksmp_testkit import Caller
from tests.http.conftest import Site
from tests.http.test_policies import routes


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
        (
            "GET",
            "analytics/measures/attendance?from=yesterday",
            None,
            {
                "field": "from",
                "message": "must be a day such as 2026-04-30, or a time such as 2026-04-30T18:30:00Z",
                "in": "query",
            },
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


def test_no_field_of_a_body_has_the_name_of_a_dependency(site: Site) -> None:
    """Litestar takes what is wrong with such a field for a fault of the gateway's own, and answers 500."""
    for method, path, handler, _ in routes(site.running):
        data = handler.parsed_fn_signature.parameters.get("data")
        if data is None:
            continue
        kinds: list[Any] = [data.annotation, *get_args(data.annotation)]
        fields = {name for kind in kinds for name in getattr(kind, "__struct_fields__", ())}
        assert not fields & handler.resolve_dependencies().keys(), (method, path)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "assignments/group-sets/none/split", {"groups": 0}, "groups"),
        ("PUT", "assignments/none/questions", {"questions": [{"kind": "short", "text": "?"}] * 2000}, "questions"),
    ],
)
async def test_a_field_beyond_its_bounds_is_named(
    caller: Caller, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    admin = caller(uuid.uuid4().hex, "admin")
    answer = await admin.request(method, f"/api/v1/{path}", json=body, headers={"If-Match": "*"})
    assert answer.status_code == 400, answer.text
    assert [one["field"] for one in answer.json()["errors"]] == [field]
