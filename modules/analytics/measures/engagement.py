"""Who took part in a session: by chat, raised hand, question or poll. All of it lies at the session's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from modules.analytics.measures.attendance import ATTENDED, CAME, WHERE
from modules.analytics.measures.cells import Cells
from modules.analytics.measures.counted import CountedMeasure
from modules.analytics.measures.engagement_repository import EngagementRepository
from modules.analytics.measures.measure import Dimension, Measure, Parts, Result, Unit
from modules.analytics.measures.reading import Reading
from modules.analytics.measures.spread import spread

TOOK_PART: Final = "live.took_part"
SAID: Final = "live.said"
POLL: Final = "live.poll_taken"
STARS: Final = "live.stars"
WAYS: Final = {"chat": "Chat", "hand": "Raised hand", "question": "Question", "poll": "Vote"}
# A host opens a poll, which is said too; what viewers do in it are votes.
SAID_BY_ALL: Final = ("message", "hand", "question")
SAID_LABELS: Final = {"message": "Message", "hand": "Raised hand", "question": "Question", "vote": "Vote"}


def _ways(cells: Cells) -> Mapping[str, Parts]:
    came = cells.count(ATTENDED, *CAME)
    return {way: Parts(cells.count(TOOK_PART, way), came) for way in WAYS}


def _contributions(cells: Cells) -> Parts:
    return Parts(cells.value(SAID, *SAID_BY_ALL) + cells.value(POLL))


def _contributions_by_way(cells: Cells) -> Mapping[str, Parts]:
    said = {label: Parts(cells.value(SAID, label)) for label in SAID_BY_ALL}
    return said | {"vote": Parts(cells.value(POLL))}


def _stars(cells: Cells) -> Parts:
    """Stars that were changed are taken back by facts of a value below zero."""
    return Parts(sum(int(label) * cells.value(STARS, label) for label in cells.labels(STARS)), cells.value(STARS))


def _stars_by_number(cells: Cells) -> Mapping[str, Parts]:
    ratings = cells.value(STARS)
    return {str(number): Parts(cells.value(STARS, str(number)), ratings) for number in range(1, 6)}


@dataclass(frozen=True, kw_only=True)
class EngagementMeasure(CountedMeasure):
    """Each who came counts once for a session, in however many ways they took part."""

    async def read(self, reading: Reading) -> Result:
        query = reading.query
        if query.filters.kind:
            return await super().read(reading)

        async def engaged() -> Result:
            return spread(await EngagementRepository(reading.database).engaged(reading), reading.spans)

        if query.by is not Dimension.KIND:
            result = await engaged()
            reading.note("engaged", result)
            return result
        # The whole is the same, by whatever else it was divided.
        result = await reading.once("engaged", engaged)
        return Result(total=result.total, previous=result.previous, groups=(await super().read(reading)).groups)


@dataclass(frozen=True, kw_only=True)
class PollMeasure(Measure):
    """Every poll could have been answered by each who came."""

    async def read(self, reading: Reading) -> Result:
        return spread(await EngagementRepository(reading.database).answered(reading), reading.spans)


MEASURES: Final[tuple[Measure, ...]] = (
    EngagementMeasure(
        name="engagement",
        title="Engagement",
        unit=Unit.RATIO,
        definition="The share of students and guests who came that wrote, raised a hand, asked or voted at least once.",
        numerator="Students and guests who took part, or did so in the way that is named; added up over sessions",
        denominator="Students and guests who came, added up over sessions",
        registers=(ATTENDED, TOOK_PART),
        dimensions=(*WHERE, Dimension.KIND),
        kinds="Way to take part: chat, hand, question or poll",
        labels=WAYS,
        personal=True,
        discreet=True,
        # Of a kind alone: the whole counts nobody twice, which `read` takes care of.
        formula=lambda cells: Parts(cells.count(TOOK_PART), cells.count(ATTENDED, *CAME)),
        by_kind=_ways,
    ),
    PollMeasure(
        name="poll_participation",
        title="Answers to polls",
        unit=Unit.RATIO,
        definition="The share of those who could vote that did, over all polls of the sessions that ended.",
        numerator="Votes of students and guests, one for each poll and voter",
        denominator="Students and guests who came to the poll's session, added up over polls",
        others=(POLL, ATTENDED),
        dimensions=WHERE,
    ),
    CountedMeasure(
        name="contributions",
        title="Contributions",
        unit=Unit.COUNT,
        definition="How often somebody wrote, raised a hand, asked or voted, at the time when they did. Votes lie at "
        "the time when their poll was opened.",
        numerator="Messages, raised hands, questions and votes",
        registers=(POLL,),
        rollups=(SAID,),
        dimensions=(*WHERE, Dimension.KIND),
        kinds="What was done: message, hand, question or vote",
        labels=SAID_LABELS,
        formula=_contributions,
        by_kind=_contributions_by_way,
    ),
    CountedMeasure(
        name="stars",
        title="Stars",
        unit=Unit.STARS,
        definition="How many of five stars sessions were given, on average of all ratings, by when the session ended.",
        numerator="Stars, added up",
        denominator="Ratings",
        rollups=(STARS,),
        dimensions=(*WHERE, Dimension.KIND),
        kinds="Number of stars, 1 to 5",
        target=4.5,
        discreet=True,
        formula=_stars,
        by_kind=_stars_by_number,
    ),
)
