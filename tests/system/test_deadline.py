"""What was turned in is there, once and with the right lateness, whatever S3 and killed gateways do: 200 students."""

from __future__ import annotations

import pytest

from loadtests.deadline.run import run


@pytest.mark.timeout(300)
async def test_what_was_turned_in_before_a_deadline_is_there_once_and_in_time() -> None:
    result = await run(200, seed=1)
    print(result)
    assert not result.faults
    assert result.counts["gateways killed"]
    # There was something to judge.
    assert result.counts["acknowledged"] == 200
    assert result.counts["objects with the right hash"] > 150
    assert result.counts["days late: 1"]
    assert result.counts["requests repeated"]
