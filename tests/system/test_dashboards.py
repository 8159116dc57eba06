"""A program of 50 and a class of 200 are played by clients: each figure of all three dashboards is what they did."""

from __future__ import annotations

import pytest

from loadtests.school.play import play


@pytest.mark.timeout(600)
async def test_each_figure_of_the_dashboards_is_what_was_played() -> None:
    assert await play() == []
