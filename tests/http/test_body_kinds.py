"""A field of a body that is of another kind than the API says is refused by its name, on every transport alike."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from ksmp_testkit import Caller
from ksmp_testkit.answers import refused


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("price", "100", "Expected `int`, got `str`"),
        ("price", True, "Expected `int`, got `bool`"),
        ("title", 7, "Expected `str`, got `int`"),
        ("co_mentors", "meera", "Expected `array`, got `str`"),
    ],
)
async def test_a_value_of_another_kind_is_refused(caller: Caller, field: str, value: Any, said: str) -> None:
    mentor = caller(uuid.uuid4().hex, "mentor")
    answer = await mentor.post("/api/v1/programs/", json={"title": "Algebra", field: value})
    refused(answer, 400, "invalid")
    (wrong,) = answer.json()["errors"]
    assert (wrong["field"], wrong["in"]) == (field, "body")
    assert wrong["message"].startswith(said)
