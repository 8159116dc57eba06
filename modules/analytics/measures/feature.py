"""Measures, put together: what dashboards, boards, exports and lists of students at risk are given."""

from __future__ import annotations

from datetime import timedelta

from gateway.contract import Database
from modules.analytics.measures import registry
from modules.analytics.measures.answer_cache import AnswerCache
from modules.analytics.measures.counts_repository import CountsRepository
from modules.analytics.measures.labels import Labels
from modules.analytics.measures.measures import Limits, Measures
from modules.analytics.measures.progress_repository import ProgressRepository
from modules.analytics.measures.scope import Scopes
from modules.analytics.measures.texts import MeasureTexts
from modules.analytics.measures.window import Windows
from modules.analytics.measures.zone import Zone
from modules.analytics.settings import AnalyticsSettings


class MeasuresFeature:
    """`measures` reads figures, `scopes` says whose facts a caller may see, `windows` makes the time asked about.

    `answers` keeps answers for a moment, for all that is asked for again and again.
    """

    def __init__(self, database: Database, settings: AnalyticsSettings) -> None:
        self.registry = registry.built_in()
        self.zone = Zone(settings.zone)
        self.windows = Windows(self.zone, settings.window_days)
        self.scopes = Scopes(database)
        self.progress = ProgressRepository(database, settings.statement_seconds)
        texts = MeasureTexts()
        self.answers = AnswerCache(settings.fresh)
        self.measures = Measures(
            self.registry,
            self.progress,
            CountsRepository(database),
            texts,
            Labels(database, texts),
            Limits(
                rows=settings.rows,
                group_least=settings.group_least,
                at_once=settings.at_once,
                late=timedelta(seconds=settings.late),
            ),
        )
