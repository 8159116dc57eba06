"""Files of figures and events, put together."""

from __future__ import annotations

from litestar import Router

from gateway.contract import Database
from modules.analytics.boards.feature import BoardsFeature
from modules.analytics.dashboards.dashboards import Dashboards
from modules.analytics.exports import routes
from modules.analytics.exports.event_repository import EventRepository
from modules.analytics.exports.exports import Exports
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.settings import AnalyticsSettings


class ExportsFeature:
    """`exports` makes files."""

    def __init__(
        self, database: Database, settings: AnalyticsSettings, measures: MeasuresFeature, boards: BoardsFeature
    ) -> None:
        events = EventRepository(database, measures.progress)
        self.exports = Exports(settings, measures, Dashboards(measures), boards.boards, events)
        self.router: Router = routes.router(self.exports, settings)
