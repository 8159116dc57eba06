"""The settings of announcements, `KSMP_ANNOUNCEMENTS_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class AnnouncementsSettings:
    title_characters: int = setting(120, doc="Longest title of an announcement, in characters")
    text_characters: int = setting(2000, doc="Longest text of an announcement, in characters")
    open_per_audience: int = setting(20, doc="Announcements of one audience that are scheduled or shown at once")
    shown_for: float = setting(604_800.0, doc="How long an announcement is shown that does not say until when")
    shown_longest: float = setting(31_622_400.0, doc="Longest time for which an announcement may be shown")
    ahead: float = setting(31_622_400.0, doc="How far ahead an announcement may be scheduled")
