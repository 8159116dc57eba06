"""Which measures stand on which dashboard, in their order. Headlines and details are made of facts alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from modules.analytics.measures.measure import Dimension

Details = Sequence[tuple[Dimension, Sequence[str]]]


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Trends, measures by what they are divided, and measures of what clients send."""

    headlines: Sequence[str]
    details: Details
    indications: Sequence[str] = ()


STUDENT: Final = Layout(
    headlines=(
        "attendance",
        "program_completion",
        "lesson_completion",
        "assignment_completion",
        "class_time",
        "engagement",
        "on_time",
        "score",
    ),
    details=(
        (
            Dimension.PROGRAM,
            ("attendance", "lesson_completion", "assignment_completion", "program_completion", "score"),
        ),
        (Dimension.SESSION, ("attendance", "class_time")),
        (Dimension.KIND, ("engagement",)),
    ),
)
MENTOR: Final = Layout(
    headlines=(
        "attendance",
        "program_completion",
        "stars",
        "lesson_completion",
        "assignment_completion",
        "engagement",
        "learners",
        "retention",
        "sessions",
        "watch_time",
        "class_time",
        "lateness",
        "drop_off",
        "poll_participation",
        "contributions",
        "on_time",
        "score",
        "time_to_grade",
        "enrolments",
    ),
    details=(
        (
            Dimension.PROGRAM,
            ("attendance", "lesson_completion", "assignment_completion", "program_completion", "learners"),
        ),
        (Dimension.SESSION, ("attendance", "engagement", "stars")),
        (Dimension.KIND, ("engagement", "stars", "drop_off", "retention")),
    ),
    indications=("views",),
)
ADMIN: Final = Layout(
    headlines=(
        "attendance",
        "program_completion",
        "payment_success",
        "stars",
        "enrolments",
        "orders",
        "revenue",
        "refunds",
        "net_revenue",
        "learners",
        "retention",
        "sessions",
        "watch_time",
        "time_to_grade",
        "response_time",
        "chat_latency",
    ),
    details=(
        (Dimension.PROGRAM, ("attendance", "enrolments", "revenue")),
        (Dimension.KIND, ("funnel", "retention")),
    ),
    indications=("views",),
)
