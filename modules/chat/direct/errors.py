"""The errors of direct rooms; their codes are in the list of chat's."""

from __future__ import annotations

from gateway.errors import BadInput, Conflict, Limited, Refused, not_found


def not_allowed() -> Refused:
    # One sentence for every reason: which of them it is would tell who has blocked whom, and who is a user at all.
    return Refused("chat.not_allowed", "you may not write to them")


def blocked() -> Refused:
    return Refused("chat.blocked", "you have blocked them; lift the block to write to them")


def opens_no_groups() -> Refused:
    return Refused("chat.not_allowed", "a group is opened, and changed, by a mentor or an admin who is in it")


def not_together() -> Refused:
    return Refused("chat.not_allowed", "these users may not be in one group")


def full(most: int) -> Conflict:
    return Conflict(f"a group may have {most} members", code="chat.group_full")


def no_group() -> Conflict:
    return Conflict("this is a conversation of two; nobody joins, leaves or renames it", code="chat.no_group")


def too_many_opened(most: int, retry_after: float) -> Limited:
    message = f"you have opened {most} conversations within a day, and may not open more"
    return Limited(message, retry_after=round(retry_after, 3), code="chat.too_many_opened")


def too_many_blocks(most: int) -> Conflict:
    return Conflict(f"you have blocked {most} users, and may not block more", code="chat.too_many_blocks")


def unknown_room() -> BadInput:
    return not_found("there is no such conversation")


def unknown_user() -> BadInput:
    return not_found("there is no such user")
