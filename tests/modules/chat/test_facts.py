"""What the events of chat's screens mean as figures."""

from __future__ import annotations

import msgspec
import pytest

from modules.analytics.facade import Tracked
from modules.chat.facts import FACTS


@pytest.mark.parametrize(("milliseconds", "label"), [(0, "25"), (25, "25"), (26, "50"), (5000, "5000"), (5001, "+Inf")])
def test_a_latency_is_one_in_a_bucket_of_a_histogram(milliseconds: int, label: str) -> None:
    (kind,) = FACTS
    assert kind.name == "chat.latency_felt"
    event = msgspec.convert({"milliseconds": milliseconds, "session_id": "s"}, kind.properties)
    assert kind.tracked(event) == Tracked(session_id="s", label=label, value=1)


def test_it_may_be_of_no_class() -> None:
    (kind,) = FACTS
    assert kind.tracked(kind.properties(30)).session_id == ""
