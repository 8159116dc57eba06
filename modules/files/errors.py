"""What files refuses, besides the codes of the core.

files.type_refused     400: this purpose takes no files of this type
files.quota_exceeded   409: the quota of the user or of the program is used up
files.not_uploaded     409: the object is not in the bucket yet, or a part of it is missing
files.not_ready        409: the file is not stored yet, or was rejected
files.rejected         409: the object is not what was announced; the reason is in the file
files.lost             409: the object is not in the bucket any more
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import BadInput, Conflict

# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {
    "files.type_refused": (400,),
    "files.quota_exceeded": (409,),
    "files.not_uploaded": (409,),
    "files.not_ready": (409,),
    "files.rejected": (409,),
    "files.lost": (409,),
}


def type_refused(types: Sequence[str]) -> BadInput:
    return BadInput("files.type_refused", f"what may be uploaded here is {', '.join(types)}", field="type")


def quota_exceeded(whose: str, left: int) -> Conflict:
    return Conflict(f"{left} bytes are left of the quota of {whose}", code="files.quota_exceeded")


def not_uploaded(why: str, retry_after: float | None = None) -> Conflict:
    return Conflict(why, code="files.not_uploaded", retry_after=retry_after)


def not_ready(why: str, retry_after: float | None = None) -> Conflict:
    return Conflict(why, code="files.not_ready", retry_after=retry_after)


def rejected(why: str) -> Conflict:
    return Conflict(why, code="files.rejected")


def lost(file_id: str) -> Conflict:
    return Conflict(f"the object of the file {file_id} is not in the bucket", code="files.lost")
