"""The settings of programs, `KSMP_PROGRAMS_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class ProgramsSettings:
    units: int = setting(50, doc="Units that a program may have")
    lessons: int = setting(300, doc="Lessons that a program may have, in all its units")
    lesson_characters: int = setting(50_000, doc="Longest text of a lesson, in characters; 100000 at most")
    lesson_items: int = setting(50, doc="Items that a lesson may have")
    material_bytes: int = setting(512 * 1024**2, doc="Size of a file of a lesson, in bytes")
