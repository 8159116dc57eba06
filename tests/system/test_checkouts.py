"""Whoever has paid is enrolled once, whatever the vendor, its webhooks and killed gateways do: 200 checkouts."""

from __future__ import annotations

import pytest

from loadtests.checkouts.run import run


@pytest.mark.timeout(600)
async def test_who_has_paid_is_enrolled_once_and_the_books_agree() -> None:
    result = await run(200, seed=1, kills=(3.0, 9.0))
    print(result)
    assert not result.faults
    assert result.counts["gateways killed"]
    # There was something to judge.
    assert result.counts["orders paid"] > 100
    assert result.counts["refunds processed: requested"]
