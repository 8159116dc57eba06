"""The settings of exports, `KSMP_ANALYTICS_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """Figures and events as files."""

    export_rows: int = setting(250_000, doc="Rows of a file; more are refused")
    export_days: int = setting(92, doc="Days of which a file of events may be")
    exports_at_once: int = setting(2, doc="Files that a gateway writes at once; others wait")
