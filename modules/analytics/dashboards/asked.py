"""What a request asks about: the window, the dimension and the filters, as query parameters of a route."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar.di import Provide
from litestar.params import QueryParameter

from gateway import clock
from gateway.http.moments import DAY_OR_MOMENT
from gateway.localization.formats import Language
from modules.analytics.measures.measure import Dimension, Filters, Query
from modules.analytics.measures.scope import Scope
from modules.analytics.measures.window import Window, Windows

ID: Final = 64

Since = Annotated[
    str | None,
    QueryParameter(
        name="from",
        pattern=DAY_OR_MOMENT,
        description="Only from this day (of the platform's zone) or time on; by default 28 days",
    ),
]
Until = Annotated[
    str | None,
    QueryParameter(
        pattern=DAY_OR_MOMENT, description="Only before this day or time, which is not in it; by default through today"
    ),
]
By = Annotated[Dimension | None, QueryParameter(description="By what the figures are divided")]
ProgramId = Annotated[str, QueryParameter(name="program", max_length=ID, description="Only this program")]
SessionId = Annotated[str, QueryParameter(name="session", max_length=ID, description="Only this session")]
Kind = Annotated[str, QueryParameter(max_length=ID, description="Only this kind, as the measure names its kinds")]
Lang = Annotated[Language, QueryParameter(name="lang", description="The language of titles and definitions")]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a request about figures."""

    since: str | None = None
    until: str | None = None
    program: str = ""
    language: Language = "en"

    def window(self, windows: Windows) -> Window:
        """Raises BadInput `invalid` for a window that there is not."""
        return windows.asked(self.since, self.until, clock.now())

    def query(
        self, scope: Scope, window: Window, by: Dimension | None = None, session: str = "", kind: str = ""
    ) -> Query:
        programs = (self.program,) if self.program else ()
        return Query(scope=scope, window=window, by=by, filters=Filters(programs=programs, session=session, kind=kind))


def asked() -> dict[str, Provide]:
    """`asked: NamedDependency[Asked]` of a route: `from`, `until`, `program` and `lang`."""
    return {"asked": Provide(_asked, sync_to_thread=False)}


def _asked(since: Since = None, until: Until = None, program: ProgramId = "", lang: Lang = "en") -> Asked:
    return Asked(since=since, until=until, program=program, language=lang)
