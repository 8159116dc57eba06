"""The events of assignments that webhooks tell of: ids, times and words of state, and nothing else."""

from __future__ import annotations

from typing import Final

from modules.assignments.events import (
    AssignmentClosed,
    AssignmentPublished,
    CertificateIssued,
    CertificateRevoked,
    GradeReleased,
    SubmissionReclaimed,
    SubmissionTurnedIn,
)
from modules.integrations.facade import PublicEvent

WORK: Final = ("submission_id", "assignment_id", "program_id", "attempt_id", "user_ids")
PUBLIC: Final = (
    PublicEvent(AssignmentPublished, "assignment", ("assignment_id", "program_id", "due_at")),
    PublicEvent(AssignmentClosed, "assignment", ("assignment_id", "program_id")),
    PublicEvent(SubmissionTurnedIn, "submission", (*WORK, "number", "turned_in_at")),
    PublicEvent(SubmissionReclaimed, "submission", WORK),
    PublicEvent(GradeReleased, "submission", WORK),
    PublicEvent(CertificateIssued, "certificate", ("certificate_id", "program_id", "user_id")),
    PublicEvent(CertificateRevoked, "certificate", ("certificate_id", "program_id", "user_id")),
)
