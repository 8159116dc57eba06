"""Ids of facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import RFC_4122

import msgspec
import pytest

from modules.analytics.facade import Fact
from modules.analytics.store.event import MOST_LETTERS, MOST_VALUE, SPREAD, Event
from modules.analytics.store.event_id import fact_id, least_id, time_of

AT = datetime(2026, 3, 10, 12, 0, 0, 123_000, tzinfo=UTC)
FACT = Fact(name="live.attended", at=AT, user_id="ann", program_id="p", session_id="s", key="s", label="present")


def test_it_is_a_uuid_with_the_time_that_no_client_may_send() -> None:
    made = fact_id(FACT)
    assert (made.version, made.variant) == (8, RFC_4122)
    assert time_of(made) == AT
    assert least_id(AT) <= made < least_id(AT + timedelta(milliseconds=1))


def test_the_same_fact_has_the_same_id() -> None:
    assert fact_id(FACT) == fact_id(msgspec.structs.replace(FACT, value=7))


@pytest.mark.parametrize("name", ["name", "user_id", "program_id", "session_id", "key", "label", "part"])
def test_another_fact_has_another(name: str) -> None:
    assert fact_id(FACT) != fact_id(msgspec.structs.replace(FACT, **{name: "other"}))


def test_fields_do_not_run_into_each_other() -> None:
    one, other = Fact(name="a", at=AT, key="bc", label="d"), Fact(name="a", at=AT, key="b", label="cd")
    assert fact_id(one) != fact_id(other)


@pytest.mark.parametrize(
    "changes",
    [
        {"value": MOST_VALUE + 1},
        {"value": -MOST_VALUE - 1},
        {"label": "x" * (MOST_LETTERS + 1)},
        {"at": AT + SPREAD + timedelta(seconds=1)},
        {"at": AT - SPREAD - timedelta(seconds=1)},
        {"at": AT.replace(tzinfo=None)},
    ],
)
def test_an_event_that_the_tables_must_not_hold_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="live.attended"):
        Event(**{"id": fact_id(FACT), "at": AT, "name": "live.attended", **changes})
