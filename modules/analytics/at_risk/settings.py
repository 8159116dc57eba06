"""The settings of students at risk, a part of `KSMP_ANALYTICS_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class RiskSettings:
    """Who falls behind in a program, and how they are written to."""

    risk_days: int = setting(28, doc="Days of which classes and assignments count for students at risk")
    risk_attendance: float = setting(0.6, doc="Share of their classes below which a student is at risk")
    risk_sessions: int = setting(2, doc="How many classes a student must have had before their attendance is judged")
    risk_submissions: float = setting(0.6, doc="Share of closed assignments below which a student is at risk")
    risk_assignments: int = setting(2, doc="How many assignments must have closed before submissions are judged")
    risk_lessons: float = setting(
        0.5,
        doc="A student is at risk below this share of the lessons that half of the students have completed",
    )
    risk_lessons_least: int = setting(2, doc="How many lessons half of them must have completed before it is judged")
    risk_settled_days: int = setting(7, zero=True, doc="Days after enrolment before a student's lessons are judged")
    message_pause: float = setting(
        86_400.0, zero=True, doc="How long a student at risk is not written to again in one program"
    )
    message_characters: int = setting(1000, doc="Longest message to a student at risk, in characters")
    messages_a_day: int = setting(500, doc="How many students at risk a user may write to in a day")
