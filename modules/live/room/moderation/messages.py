"""What clients send and get about kicks, bans and promotions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from gateway.contract import PushType
from gateway.text import LONG, TEXT, Texts
from modules.live.messages import Member, UserId

# Its greatest length is a setting.
Reason = Annotated[str, LONG, TEXT]
Scope = Literal["session", "program"]
Action = Literal["kick", "ban", "unban", "promote"]


class Kick(Texts, frozen=True):
    """`live.kick`: out of the session for a while."""

    user: UserId
    reason: Reason = ""


class SetBan(Texts, frozen=True):
    """`live.ban`: out for `seconds`, or until the ban is lifted."""

    user: UserId
    scope: Scope = "session"
    seconds: float | None = None
    reason: Reason = ""


class Unban(msgspec.Struct, frozen=True):
    """`live.unban`. It lifts a kick too."""

    user: UserId
    scope: Scope = "session"


class Promote(msgspec.Struct, frozen=True):
    """`live.promote`."""

    user: UserId
    role: Literal["viewer", "speaker", "cohost"]


class Ban(msgspec.Struct, frozen=True, omit_defaults=True):
    """A user is kept out, until `until` or for good."""

    user: str
    scope: Scope
    by: Member
    reason: str = ""
    until: int | None = None


class BanChanged(msgspec.Struct, frozen=True):
    """The push `live.ban_changed` to the staff room. A ban that is not in `force` was lifted."""

    rev: int
    ban: Ban
    force: bool


class Bans(msgspec.Struct, frozen=True):
    """The snapshot part `live.bans` of the staff room: the bans of this session that were not lifted."""

    rev: int
    bans: list[Ban]


class Moderated(msgspec.Struct, frozen=True):
    """What a host did to a user, as the audit keeps it."""

    user: str
    action: Action
    detail: str
    reason: str
    by: Member
    until: datetime | None
    at: datetime


BAN_CHANGED: Final = PushType("live.ban_changed", BanChanged)
