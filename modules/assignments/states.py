"""The life of a submission: what one student, or one group, hands in for one assignment.

              turn in              return
    draft ────────────► turned_in ────────► returned
      ▲       reclaim      │                   │
      ├────────────────────┘                   │
      └────────────────────────────────────────┘
                       resubmit

A submission has one draft and a history of attempts. To turn in makes an attempt of the draft, stamped by the server;
an attempt is never changed afterwards. It is reclaimed only before grading has begun: the attempt stays in the history,
marked, and counts neither as one of those allowed nor for the grade. It is returned when its grade is released. To
resubmit is to write a draft again, if an attempt is left; the returned attempt counts until the next is turned in.

What counts is the latest attempt that was not reclaimed. Lateness is no state: it is derived each time from the
attempt's stamp and the dates that hold for the student then, so an extension heals it (`dates/`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class SubmissionState(StrEnum):
    DRAFT = "draft"
    TURNED_IN = "turned_in"
    RETURNED = "returned"


class SubmissionStep(StrEnum):
    TURN_IN = "turn_in"
    RECLAIM = "reclaim"
    RETURN = "return"
    RESUBMIT = "resubmit"


STEPS: Final[dict[tuple[SubmissionState, SubmissionStep], SubmissionState]] = {
    (SubmissionState.DRAFT, SubmissionStep.TURN_IN): SubmissionState.TURNED_IN,
    (SubmissionState.TURNED_IN, SubmissionStep.RECLAIM): SubmissionState.DRAFT,
    (SubmissionState.TURNED_IN, SubmissionStep.RETURN): SubmissionState.RETURNED,
    (SubmissionState.RETURNED, SubmissionStep.RESUBMIT): SubmissionState.DRAFT,
}
