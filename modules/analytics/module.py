"""What the analytics module consists of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from gateway.contract import Kernel, Module
from gateway.principal import Principal
from modules.analytics import demo, errors
from modules.analytics.at_risk import routes as at_risk_routes
from modules.analytics.at_risk.at_risk import AtRisk
from modules.analytics.at_risk.student_messages import StudentMessages
from modules.analytics.backfill.backfill import Backfill
from modules.analytics.boards.feature import BoardsFeature
from modules.analytics.boards.tables import BoardRow
from modules.analytics.comparison import routes as comparison_routes
from modules.analytics.comparison.comparison import Comparison
from modules.analytics.comparison.repository import ComparisonRepository
from modules.analytics.comparison.tables import ComparisonRow
from modules.analytics.consent import routes as consent_routes
from modules.analytics.consent.consents import Consents
from modules.analytics.dashboards import routes as dashboard_routes
from modules.analytics.dashboards.dashboards import Dashboards
from modules.analytics.dashboards.session_reports import SessionReports
from modules.analytics.deletions import routes as deletion_routes
from modules.analytics.deletions.deletions import Deletions
from modules.analytics.deletions.places import Places
from modules.analytics.deletions.tables import DeletionRow
from modules.analytics.exports.feature import ExportsFeature
from modules.analytics.intake.feature import IntakeFeature
from modules.analytics.latency.recorder import LatencyRecorder
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.pages import site
from modules.analytics.personal_data import held_on
from modules.analytics.settings import AnalyticsSettings
from modules.analytics.sinks import routes as sink_routes
from modules.analytics.sinks.sinks import Sinks
from modules.analytics.sinks.tables import RefusedRow
from modules.analytics.store.names import EventNames
from modules.analytics.store.rebuild import Rebuild
from modules.analytics.store.upkeep import Upkeep
from modules.analytics.store.writer import EventWriter
from modules.analytics.watching.class_watch import ClassWatch


class AnalyticsModule(Module):
    """Figures of classes, programs and the business, live and after."""

    name = "analytics"
    requires = ("accounts", "programs", "live", "notify")
    settings_type = AnalyticsSettings
    tables = (DeletionRow, RefusedRow, BoardRow, ComparisonRow)
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.settings: AnalyticsSettings = kernel.settings(AnalyticsSettings)
        self.measures = MeasuresFeature(kernel.database, self.settings)
        self.writer = EventWriter(kernel.database, lambda: self.names, self.measures.zone)
        self.upkeep = Upkeep(kernel.database, self.settings.kept_days)
        self.rebuild = Rebuild(kernel.database, lambda: self.names, self.measures.zone)
        self.intake = IntakeFeature(kernel, self.writer, self.settings)
        self.comparison = Comparison(kernel, self.settings, self.measures.zone)
        self.backfill = Backfill(kernel, self.writer, self.measures.zone)
        self.deletions = Deletions(kernel)
        self.places = Places(kernel.database, self.writer)
        self.consents = Consents(kernel, self.deletions)
        self.latency = LatencyRecorder(self.writer, self.settings)
        self.watch = ClassWatch(kernel, self.settings)
        at_risk = AtRisk(kernel, self.settings, self.measures)
        self.student_messages = StudentMessages(kernel, self.settings, at_risk)
        self.features = (*self.intake.features, self.watch)
        self.sinks = Sinks(kernel, self.settings, self.measures.zone)
        self.contributions = (*self.sinks.contributions, *self.student_messages.contributions)
        self.boards = BoardsFeature(kernel, self.settings, self.measures)
        self.exports = ExportsFeature(kernel.database, self.settings, self.measures, self.boards)
        self.routes = (
            self.intake.router(),
            consent_routes.router(self.consents),
            deletion_routes.router(self.deletions),
            sink_routes.router(self.sinks.rows),
            at_risk_routes.router(at_risk, self.student_messages, self.settings),
            comparison_routes.router(ComparisonRepository(kernel.database)),
            self.boards.router,
            self.exports.router,
            dashboard_routes.router(Dashboards(self.measures), SessionReports(kernel, self.measures)),
        )
        self.pages = (site.router(),)

    @classmethod
    def examine(cls, settings: AnalyticsSettings, *, production: bool) -> str:
        settings.examine()
        said = (f"days are those of {settings.zone}", settings.examine_mixpanel(), settings.examine_warehouse())
        return "; ".join(filter(None, said))

    async def export(self, user: str) -> Mapping[str, Any]:
        return {
            **await self.consents.held(user),
            **await held_on(self.kernel.database, user),
            **await self.student_messages.held(user),
            **await self.boards.held(user),
        }

    async def forget(self, user: str) -> Collection[str]:
        await self.consents.forget(user)
        await self.student_messages.forget(user)
        await self.places.give_back(user)
        await self.deletions.drop_subject(user)
        await self.boards.forget(user)
        return ()

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        if self.settings.demo:
            await demo.seed(self.kernel.database, self.writer, self.settings.zone, people["student"].id)
        return {}

    @cached_property
    def names(self) -> EventNames:
        """The names of all facts and client events; once all modules are built."""
        return EventNames.of(self.kernel)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        self.measures.registry.check_sources(self.names.client_events)
        async with (
            self.upkeep.running(),
            self.intake.running(),
            self.watch.running(),
            self.latency.running(),
            self.sinks.running(),
            self.comparison.running(),
        ):
            yield
