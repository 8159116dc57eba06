"""The error codes of chat, besides those of the kernel.

chat.muted             403: a host muted the user; `retry_after` when the mute has an end
chat.slow_mode         403 or 429: the user has to wait for `retry_after` after their last message
chat.subscribers_only  403: only enrolled users may write now
chat.questions_only    403: only questions may be asked now
chat.links             403: this user may not post links here
chat.attachments       403: this user may not post files here
chat.refused           400: a filter refused the text
chat.too_late          409: the message is too old to be edited, or was edited too often
chat.too_many_pins     409: as many messages are pinned as may be
chat.too_many_reports  409: the user has reported as many messages of this room as they may
chat.resolved          409: the report was decided otherwise
chat.not_allowed       403: the user may not write to them, or may not do this to the group
chat.blocked           403: the user has blocked whom they write to
chat.no_group          409: a conversation of two cannot be changed as a group can
chat.group_full        409: the group has as many members as it may have
chat.too_many_blocks   409: the user has blocked as many as they may
chat.too_many_opened   429: the user has opened as many conversations within a day as they may
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import BadInput, Conflict, Limited, Refused

# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {
    "chat.attachments": (403,),
    "chat.blocked": (403,),
    "chat.group_full": (409,),
    "chat.links": (403,),
    "chat.muted": (403,),
    "chat.no_group": (409,),
    "chat.not_allowed": (403,),
    "chat.questions_only": (403,),
    "chat.refused": (400,),
    "chat.resolved": (409,),
    "chat.slow_mode": (403, 429),
    "chat.subscribers_only": (403,),
    "chat.too_late": (409,),
    "chat.too_many_blocks": (409,),
    "chat.too_many_opened": (429,),
    "chat.too_many_pins": (409,),
    "chat.too_many_reports": (409,),
}


def slow_mode(retry_after: float) -> Limited:
    return Limited("slow mode: wait a little", retry_after=round(retry_after, 3), code="chat.slow_mode")


def subscribers_only() -> Refused:
    return Refused("chat.subscribers_only", "only those enrolled in the program may write now")


def questions_only() -> Refused:
    return Refused("chat.questions_only", "only questions may be asked now: send it as one")


def links() -> Refused:
    return Refused("chat.links", "links may not be posted here")


def attachments() -> Refused:
    return Refused("chat.attachments", "files may not be posted here")


def muted() -> Refused:
    return Refused("chat.muted", "a host has muted you")


def refused(field: str = "text") -> BadInput:
    return BadInput("chat.refused", "this may not be said here", field=field)


def too_late(message: str) -> Conflict:
    return Conflict(message, code="chat.too_late")


def too_many_pins(most: int) -> Conflict:
    return Conflict(f"{most} messages are pinned, and not more may be; unpin one", code="chat.too_many_pins")


def too_many_reports(most: int) -> Conflict:
    return Conflict(f"you have reported {most} messages of this room already", code="chat.too_many_reports")


def resolved(state: str) -> Conflict:
    return Conflict(f"this report is {state} already", code="chat.resolved")
