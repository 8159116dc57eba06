"""Files of figures and of raw events, with the rights of whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from litestar.response import Stream

from gateway.errors import invalid
from gateway.http.sheet_file import SheetFiles
from gateway.principal import Principal, Role
from modules.analytics.boards.boards import Boards
from modules.analytics.dashboards.asked import Asked
from modules.analytics.dashboards.dashboards import Dashboards
from modules.analytics.dashboards.messages import Whose
from modules.analytics.exports.event_repository import EventRepository, Selection
from modules.analytics.exports.formats import FileFormat
from modules.analytics.exports.settings import ExportSettings
from modules.analytics.exports.tables import EVENTS, EVENTS_WITHOUT_SUBJECTS, FIGURES, FigureRow, rows_of
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.measures.measure import Dimension
from modules.analytics.measures.messages import MeasureFigures
from modules.analytics.measures.scope import Scope
from modules.analytics.measures.zone import Step


class Exports:
    """Each call raises BadInput `invalid` for too many rows, Conflict `analytics.no_parquet`, and Unavailable."""

    def __init__(
        self,
        settings: ExportSettings,
        measures: MeasuresFeature,
        dashboards: Dashboards,
        boards: Boards,
        events: EventRepository,
    ) -> None:
        self._settings = settings
        self._registry = measures.registry
        self._scopes = measures.scopes
        self._windows = measures.windows
        self._dashboards = dashboards
        self._boards = boards
        self._events = events
        self._files = SheetFiles(most=settings.export_rows, at_once=settings.exports_at_once)

    async def measure(
        self,
        reader: Principal,
        name: str,
        asked: Asked,
        by: Dimension | None,
        session: str,
        kind: str,
        format: FileFormat,
    ) -> Stream:
        """The figures of a measure. Raises what `Dashboards.measure` raises."""
        figures = await self._dashboards.measure(reader, name, asked, by, session, kind)
        return await self._figure_file(name, format, [(figures.measure.title, figures)])

    async def dashboard(
        self, reader: Principal, whose: Whose, asked: Asked, step: Step | None, format: FileFormat
    ) -> Stream:
        """The figures of a dashboard. Raises what `Dashboards.dashboard` raises."""
        found = await self._dashboards.dashboard(reader, whose, asked, step)
        answers = (*found.headlines, *found.details, *found.indications)
        return await self._figure_file(f"dashboard-{whose}", format, [(one.measure.title, one) for one in answers])

    async def board(self, reader: Principal, id: UUID, format: FileFormat, language: str) -> Stream:
        """The figures of a board as its reader sees them. A widget without figures has no rows.

        Raises BadInput `not_found`.
        """
        board = await self._boards.figures(reader, id, language)
        shown = [(one.widget.title, one.figures) for one in board.widgets if one.figures is not None]
        return await self._figure_file(f"board-{id}", format, shown)

    async def events(self, reader: Principal, asked: Asked, name: str | None, format: FileFormat) -> Stream:
        """The raw events of a window, by their time.

        A mentor has those of their programs that measures for mentors are made of, without subjects and without what
        is only shown of groups. Raises BadInput `analytics.too_slow`, and Refused `forbidden` for other programs.
        """
        window = asked.window(self._windows)
        if (window.until - window.since).days > self._settings.export_days:
            raise invalid(f"a file has events of at most {self._settings.export_days} days", field="from")
        scope = (await self._scopes.of(reader)).within([asked.program] if asked.program else [])
        may_see_subjects = reader.role is Role.ADMIN
        wanted = Selection(
            window=window, names=self._names(scope, name), programs=scope.programs, subjects=may_see_subjects
        )
        table = EVENTS if may_see_subjects else EVENTS_WITHOUT_SUBJECTS
        return await self._files.answer(
            "events", table.kind(format), table.head, self._events.batches(wanted), table.row
        )

    def _names(self, scope: Scope, name: str | None) -> Sequence[str] | None:
        """The names of events that a caller may have, or the one that they ask for; None is all."""
        if scope.role is Role.ADMIN:
            return [name] if name else None
        open_to_them = [one for one in self._registry.all if one.may_read(scope) and not one.discreet]
        shown = {source for measure in open_to_them for source in measure.sources}
        return sorted(shown & {name} if name else shown)

    async def _figure_file(
        self, name: str, format: FileFormat, answers: Sequence[tuple[str, MeasureFigures]]
    ) -> Stream:
        async def batches() -> AsyncIterator[list[FigureRow]]:
            for title, figures in answers:
                yield rows_of(title, figures)

        return await self._files.answer(name, FIGURES.kind(format), FIGURES.head, batches(), FIGURES.row)
