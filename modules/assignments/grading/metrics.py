"""The metrics of grading. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

saved: Final = Counter("ksmp_assignments_grades_saved", "Versions of grades that markers saved", ["state"])
released: Final = Counter("ksmp_assignments_grades_released", "Versions of grades that students were shown")
conflicts: Final = Counter("ksmp_assignments_grade_conflicts", "Grades that were not saved: another marker was first")
