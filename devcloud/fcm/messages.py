"""A message of the v1 API: what FCM takes, and what it says of what it does not take."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from devcloud.document import Document

TARGETS: Final = ("token", "fid", "topic", "condition")
FIELDS: Final = frozenset({*TARGETS, "name", "data", "notification", "android", "webpush", "apns", "fcm_options"})
ANDROID: Final = frozenset(
    {
        "collapse_key",
        "priority",
        "ttl",
        "restricted_package_name",
        "data",
        "notification",
        "fcm_options",
        "direct_boot_ok",
        "bandwidth_constrained_ok",
        "restricted_satellite_ok",
    }
)
PARTS: Final = {
    "notification": frozenset({"title", "body", "image"}),
    "android": ANDROID,
    "webpush": frozenset({"headers", "data", "notification", "fcm_options"}),
    "apns": frozenset({"headers", "payload", "fcm_options", "live_activity_token"}),
    "fcm_options": frozenset({"analytics_label"}),
}
PRIORITIES: Final = frozenset({"normal", "high", "NORMAL", "HIGH"})
DURATION: Final = re.compile(r"\d+(\.\d{1,9})?s")
LABEL: Final = re.compile(r"[A-Za-z0-9\-_.~%]{1,50}")
# Keys that FCM has for itself.
RESERVED: Final = re.compile(r"(from|message_type|google\..*|gcm\..*)")
LONGEST_TTL: Final = 28 * 86_400
MOST_BYTES: Final = 4096


class Malformed(Exception):
    """A message that FCM does not take: the field that is wrong, and why."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


def target_of(message: Any) -> tuple[Document, str]:
    """The message, and the address that it is for. Raises Malformed for a message that is not one."""
    if not isinstance(message, dict):
        raise Malformed("message", "Request contains an invalid argument.")
    for name in message.keys() - FIELDS:
        raise Malformed("message", f"Invalid JSON payload received. Unknown name \"{name}\" at 'message'.")
    named = [name for name in TARGETS if message.get(name)]
    if len(named) != 1:
        raise Malformed("message", "Exactly one of fid, token, topic or condition is required.")
    for part, known in PARTS.items():
        inside = message.get(part, {})
        if not isinstance(inside, dict):
            raise Malformed(f"message.{part}", f"Invalid value at 'message.{part}'.")
        for name in inside.keys() - known:
            raise Malformed(f"message.{part}", f'Invalid JSON payload received. Unknown name "{name}".')
    _check_data("message.data", message.get("data", {}))
    _check_android(message.get("android", {}))
    _check_label(message.get("fcm_options", {}))
    if size_of(message) > MOST_BYTES:
        raise Malformed("message", "Android message is too big")
    return message, str(message[named[0]])


def size_of(message: Document) -> int:
    """The bytes that count: what goes to a device, without its address."""
    shown = {name: value for name, value in message.items() if name not in (*TARGETS, "fcm_options")}
    return len(msgspec.json.encode(shown))


def ttl_of(message: Document) -> float:
    """For how many seconds FCM keeps a message for a device that is away; four weeks when it does not say."""
    if ttl := message.get("android", {}).get("ttl"):
        return float(ttl.removesuffix("s"))
    if "TTL" in (headers := message.get("webpush", {}).get("headers", {})):
        return float(headers["TTL"])
    return LONGEST_TTL


def tag_of(message: Document) -> str:
    """What a device keeps one notification of, empty when it shows each: the tag, by the platform's name for it.

    A data message of Android is shown by the app, with the tag that is in its data.
    """
    android = message.get("android", {})
    places = (
        android.get("notification", {}).get("tag"),
        message.get("apns", {}).get("headers", {}).get("apns-collapse-id"),
        message.get("webpush", {}).get("notification", {}).get("tag"),
        message.get("data", {}).get("tag"),
    )
    return next((str(tag) for tag in places if tag), "")


def collapse_key_of(message: Document) -> str:
    """By which FCM replaces what waits for a device. Notifications that FCM itself shows on Android share one key."""
    if key := message.get("android", {}).get("collapse_key"):
        return str(key)
    if topic := message.get("webpush", {}).get("headers", {}).get("Topic"):
        return str(topic)
    apns = message.get("apns", {}).get("headers", {})
    if collapse := apns.get("apns-collapse-id"):
        return str(collapse)
    shown = "notification" in message or "notification" in message.get("android", {})
    return "(package)" if shown and not message.get("webpush") and not message.get("apns") else ""


def _check_data(where: str, data: Any) -> None:
    if not isinstance(data, dict):
        raise Malformed(where, f"Invalid value at '{where}'.")
    for key, value in data.items():
        if not isinstance(value, str):
            raise Malformed(f"{where}[0].value", f"Invalid value at '{where}[0].value' (TYPE_STRING), {value!r}")
        if RESERVED.fullmatch(key):
            raise Malformed(where, f"Invalid data payload key: {key}")


def _check_android(android: Document) -> None:
    ttl = android.get("ttl", "0s")
    if not isinstance(ttl, str) or not DURATION.fullmatch(ttl):
        raise Malformed("message.android.ttl", f"Illegal duration format; {ttl!r}")
    if float(ttl[:-1]) > LONGEST_TTL:
        raise Malformed("message.android.ttl", "TTL is too long")
    if android.get("priority", "normal") not in PRIORITIES:
        raise Malformed("message.android.priority", "Invalid value at 'message.android.priority'")
    _check_data("message.android.data", android.get("data", {}))


def _check_label(options: Document) -> None:
    label = options.get("analytics_label")
    if label is not None and not LABEL.fullmatch(label):
        raise Malformed("message.fcm_options.analytics_label", "Invalid analytics label")
