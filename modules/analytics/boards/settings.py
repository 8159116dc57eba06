"""The settings of boards and questions, `KSMP_ANALYTICS_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class BoardSettings:
    """Dashboards that people make themselves."""

    boards_each: int = setting(50, doc="Boards that a user may have")
    board_widgets: int = setting(20, doc="Widgets of a board")
    board_seconds: float = setting(8.0, doc="How long a board may take; widgets that are left then are too slow")
    query_rate_count: int = setting(60, doc="Questions of widgets, reads of boards and files that a user may ask for")
    query_rate_seconds: float = setting(60.0, doc="Within this time")
