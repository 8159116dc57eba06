"""Fault 8: a window that begins or ends within a bucket of 15 minutes is counted exactly."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from modules.analytics.facade import Fact
from modules.analytics.measures.measure import Dimension
from modules.analytics.measures.window import Window
from tests.modules.analytics.measures.story import INDIA, Story, at

MINUTE = timedelta(minutes=1)
MILLISECOND = timedelta(milliseconds=1)


def said(story: Story) -> list[Fact]:
    """Facts of four hours over a midnight of India, many of them just at the borders of buckets."""
    dice, begin = random.Random(7), at(0, 22)
    times = [begin + dice.randrange(4 * 3_600_000) * MILLISECOND for _ in range(300)]
    times += [begin + 15 * MINUTE * number - before for number in range(1, 16) for before in (0 * MINUTE, MILLISECOND)]
    return [
        story.fact("live.said", when, session="s", label="message", value=number, part=str(number))
        for number, when in enumerate(times)
    ]


@pytest.mark.parametrize(
    ("begin", "length"),
    [(0, 240), (15, 30), (7, 3), (7, 8), (7, 9), (7, 60), (15, 7), (14, 2), (-60, 400), (0.001, 29.999), (113, 97)],
)
async def test_it_is_what_the_facts_say(story: Story, begin: float, length: float) -> None:
    facts = said(story)
    await story.tell(*facts)
    since = at(0, 22) + begin * MINUTE
    window = Window(since, since + length * MINUTE, INDIA)
    inside = [one for one in facts if window.since <= one.at < window.until]
    assert await story.parts("contributions", time=window) == (sum(one.value for one in inside), None)
    # Days cut it once more.
    days = await story.divided("contributions", time=window, by=Dimension.DAY)
    by_day: dict[str, int] = {}
    for one in inside:
        day = INDIA.day_of(one.at).isoformat()
        by_day[day] = by_day.get(day, 0) + one.value
    assert {day: numerator for day, (numerator, _) in days.items()} == by_day
