"""The moments of a turn-in, and which of them counts.

`turned_in_at` is when the server got the request: of the first try to turn in this very draft, when a try failed by our
fault. The stamp belongs to one revision of the draft, which nobody can change afterwards; another revision gets another
stamp. It holds for `KSMP_ASSIGNMENTS_TURN_IN_GRACE`.

`counted_at` is the moment from which lateness is counted, and which a closing date is compared with. It is the stamp,
but for files whose upload took long: an upload states the SHA-256 of the file when it begins, so its content is fixed
then. So `counted_at` is the moment at which the last upload began or the text, link or answers were last changed,
whichever is later. That holds when it is turned in within `KSMP_ASSIGNMENTS_AFTER_UPLOAD` of the end of the last
upload, and it is never more than `KSMP_ASSIGNMENTS_UPLOAD_GRACE` before the stamp.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec

from modules.files.facade import FileFacts


class Graces(msgspec.Struct, frozen=True):
    """How much time our side may take, in seconds: see `SubmissionSettings`."""

    turn_in: float
    upload: float
    after_upload: float


def counted_at(stamp: datetime, written_at: datetime | None, files: Collection[FileFacts], graces: Graces) -> datetime:
    """The moment that counts for a draft whose text, link and answers were last changed at `written_at`."""
    ends = [file.stored_at for file in files if file.stored_at is not None]
    if not ends or stamp - max(ends) > timedelta(seconds=graces.after_upload):
        return stamp
    fixed = max([file.begun_at for file in files] + ([] if written_at is None else [written_at]))
    return min(stamp, max(fixed, stamp - timedelta(seconds=graces.upload)))
