"""What FCM's answers mean, for one message to one device.

200 with a name                      sent
404 UNREGISTERED                     gone: the device is removed
400 INVALID_ARGUMENT, the address    gone
400 INVALID_ARGUMENT, other          failed: our message is wrong, and the device stays
403 SENDER_ID_MISMATCH               failed, and an alarm: the device belongs to another Firebase project of ours
401 THIRD_PARTY_AUTH_ERROR           later, and an alarm: the key for APNs or web push is wrong
401                                  the access token is not good any more
403, 404 without a code of FCM       later, and an alarm: the project or its rights are wrong
429                                  later: the quota is used up
500, 503 of FCM                      later: FCM is not well
not reached                          later
anything else                        unknown: not FCM's own words, so perhaps it was sent
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

import msgspec

from gateway import clock
from modules.notify.channels.fcm.http_client import HttpAnswer


class Fate(StrEnum):
    """What became of a message to one device."""

    SENT = "sent"
    GONE = "gone"
    FAILED = "failed"
    LATER = "later"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Result:
    """`reason` is a stable word. `counted` is whether the try says anything of this message.

    `trouble` is that of FCM as a whole, `alarm` what only an operator can cure, `said` FCM's own words.
    """

    fate: Fate
    reason: str = ""
    vendor_id: str = ""
    retry_after: float | None = None
    counted: bool = True
    trouble: bool = False
    alarm: str = ""
    said: str = ""


class Violation(msgspec.Struct, frozen=True):
    field: str = ""
    description: str = ""


class Detail(msgspec.Struct, frozen=True):
    error_code: str = msgspec.field(default="", name="errorCode")
    violations: list[Violation] = msgspec.field(default_factory=list, name="fieldViolations")


class Problem(msgspec.Struct, frozen=True):
    status: str = ""
    message: str = ""
    details: list[Detail] = []


class Body(msgspec.Struct, frozen=True):
    """A body of FCM: of a message that it took, or an error."""

    name: str = ""
    error: Problem | None = None


# FCM names the address in a field, or in its words.
ADDRESS_FIELDS: Final = frozenset({"message.token", "message.fid"})
ADDRESS_WORDS: Final = re.compile(
    r"(registration token|installation id|\bfid)\b.{0,40}\b(not a? ?valid|invalid|malformed)"
    r"|\b(invalid|malformed) (fcm )?(registration token|(firebase )?installation id|fid)\b",
    re.IGNORECASE,
)
UNAUTHENTICATED: Final = "unauthenticated"
# Nobody waits longer because a vendor says so.
LONGEST: Final = 3600.0


def judged(answer: HttpAnswer) -> Result:
    """What an answer means."""
    body = _body(answer)
    if body is None and answer.status == 429:
        return _over_quota(retry_after(answer.retry_after), "")
    if body is None:
        ill = answer.status >= 500
        return Result(Fate.UNKNOWN, f"status_{answer.status}", counted=not ill, trouble=ill)
    if body.error is None:
        if answer.status == 200 and body.name:
            return Result(Fate.SENT, vendor_id=body.name)
        return Result(Fate.UNKNOWN, f"status_{answer.status}")
    return _refused(answer, body.error)


def _refused(answer: HttpAnswer, problem: Problem) -> Result:
    code = next((detail.error_code for detail in problem.details if detail.error_code), "")
    said = problem.message[:300]
    wait = retry_after(answer.retry_after)
    match answer.status, code:
        case 404, "UNREGISTERED":
            return Result(Fate.GONE, "unregistered", said=said)
        case 400, _:
            if _names_address(problem):
                return Result(Fate.GONE, "invalid_address", said=said)
            return Result(Fate.FAILED, "invalid_message", alarm="message", said=said)
        case 403, "SENDER_ID_MISMATCH":
            return Result(Fate.FAILED, "sender_id_mismatch", alarm="sender_id_mismatch", said=said)
        case 401, "THIRD_PARTY_AUTH_ERROR":
            return Result(Fate.LATER, "third_party_auth", alarm="third_party_auth", said=said)
        case 401, _:
            return Result(Fate.LATER, UNAUTHENTICATED, counted=False, said=said)
        case 429, _:
            return _over_quota(wait, said)
        case ((500 | 503), _):
            reason = "unavailable" if answer.status == 503 else "internal"
            return Result(Fate.LATER, reason, retry_after=wait, counted=False, trouble=True, said=said)
        case ((403 | 404), _):
            return Result(Fate.LATER, "project", counted=False, trouble=True, alarm="project", said=said)
        case _:
            return Result(Fate.UNKNOWN, f"status_{answer.status}", counted=answer.status < 500, said=said)


def _over_quota(wait: float | None, said: str) -> Result:
    """Without a time it may be the quota of this device alone; several in a row are trouble all the same."""
    return Result(Fate.LATER, "quota", retry_after=wait, counted=False, trouble=wait is None, said=said)


def _names_address(problem: Problem) -> bool:
    fields = {violation.field for detail in problem.details for violation in detail.violations if violation.field}
    if fields:
        return bool(fields & ADDRESS_FIELDS)
    return ADDRESS_WORDS.search(problem.message) is not None


def _body(answer: HttpAnswer) -> Body | None:
    """The body; None when FCM did not write it."""
    try:
        body = msgspec.json.decode(answer.body, type=Body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return body if body.name or body.error is not None else None


def retry_after(header: str) -> float | None:
    """The seconds of a `Retry-After`, which may be a date; None without one that can be read."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return None
        seconds = (moment.astimezone(UTC) - clock.now()).total_seconds()
    return min(max(seconds, 0.0), LONGEST) if seconds == seconds else None  # noqa: PLR0124
