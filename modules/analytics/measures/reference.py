"""Writes MEASURES.md, the page of all measures: `uv run python -m modules.analytics.measures.reference`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from modules.analytics.measures.measure import ADMINS, Measure, Unit
from modules.analytics.measures.registry import Registry, built_in

PAGE: Final = Path(__file__).parent.parent / "MEASURES.md"
UNITS: Final = {
    Unit.COUNT: "a number",
    Unit.RATIO: "a share, 0 to 1",
    Unit.SECONDS: "seconds",
    Unit.MONEY: "minor units of a currency",
    Unit.STARS: "stars, 1 to 5",
    Unit.MILLISECONDS: "milliseconds",
}
HEAD: Final = """\
# Measures

This page is made of the registry of measures ([measures/registry.py](measures/registry.py)) by
`uv run python -m modules.analytics.measures.reference`. Every answer of the API carries the same definitions.

A figure is numerator / denominator, or the numerator where there is no denominator. A denominator of 0 gives no value.
Days, weeks (from Monday) and months are those of `KSMP_ANALYTICS_ZONE`. Programs have no time zone of their own. A time
is complete when all facts of it are stored: after `KSMP_ANALYTICS_LATE` seconds, since facts may tell of what was
before. The value of a measure *at the end* is that of the last moment of a time; all others are of what happened within
it. A *discreet* measure is hidden where fewer than `KSMP_ANALYTICS_GROUP_LEAST` people are behind a figure, and with it
so much else that no total tells it. Somebody's own figures are never hidden.

Mentors read the measures of their programs, and students read those marked so, of themselves.

| target of the business | at least |
|---|---|
"""


def page(registry: Registry) -> str:
    """The whole page."""
    targets = [f"| [{one.title}](#{_anchor(one)}) | {one.target:g} |" for one in registry.all if one.target is not None]
    return HEAD + "\n".join([*targets, "", *(line for one in registry.all for line in _section(one))])


def _section(measure: Measure) -> Iterator[str]:
    yield f"## {measure.title}"
    yield ""
    marks = [
        *(["at the end"] if measure.state else []),
        *(["discreet"] if measure.discreet else []),
        *(["lower is better"] if measure.lower_is_better else []),
        *(["by clients, so never a headline"] if measure.from_clients else []),
    ]
    readers = "admins" if measure.roles == ADMINS else "mentors, admins"
    yield f"`{measure.name}`: {UNITS[measure.unit]}{''.join(f'; {mark}' for mark in marks)}. {measure.definition}"
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| numerator | {measure.numerator} |"
    if measure.denominator:
        yield f"| denominator | {measure.denominator} |"
    yield f"| by | {', '.join(measure.dimensions)} |"
    if measure.kinds:
        yield f"| kinds | {measure.kinds} |"
    yield f"| facts | {', '.join(f'`{name}`' for name in measure.sources)} |"
    yield f"| read by | {readers}{', students of themselves' if measure.personal else ''} |"
    yield ""


def _anchor(measure: Measure) -> str:
    """The address of a heading, as GitHub makes it."""
    return measure.title.lower().replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(page(built_in()))
