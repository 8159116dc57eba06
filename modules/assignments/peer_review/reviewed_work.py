"""The work that a reviewer reads: without a name, and without names of files that may say one."""

from __future__ import annotations

import msgspec

from gateway.contract import Kernel
from modules.assignments.peer_review.messages import ReviewedWork
from modules.assignments.submissions.repository import SubmissionRepository
from modules.assignments.submissions.uploads import neutral_name
from modules.assignments.submissions.views import answers_shown
from modules.files import facade as files


class ReviewedWorks:
    """Each call raises Unavailable."""

    def __init__(self, kernel: Kernel, submissions: SubmissionRepository) -> None:
        self._kernel = kernel
        self._submissions = submissions

    async def of(self, attempt_id: str) -> ReviewedWork | None:
        """What was turned in; None for an attempt that is not there."""
        attempt = (await self._submissions.attempts([attempt_id])).get(attempt_id)
        if attempt is None:
            return None
        storage = files.of(self._kernel)
        facts = await storage.facts([file.id for file in attempt.files])
        shown = [
            msgspec.structs.replace(storage.shown(facts[file.id]), name=neutral_name("", place, file.type))
            for place, file in enumerate(attempt.files, 1)
            if file.id in facts
        ]
        return ReviewedWork(attempt.text, attempt.link, answers_shown(attempt.answers), shown)
