"""The message to one device, as the v1 API takes it.

A repeat has the same tag, so a device that has shown it puts the repeat in its place. Android gets data that the app
shows itself: notifications that FCM shows for it all replace each other while the phone is away. iOS and browsers show
what they are sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from modules.notify.devices.address import Address
from modules.notify.devices.messages import Platform
from modules.notify.facade import Outgoing, Urgency

# FCM takes 4,096 bytes without the address; ids, the link and the platform's part need the rest.
TITLE_BYTES: Final = 400
BODY_BYTES: Final = 2000
LINK_BYTES: Final = 1000
# What FCM keeps at most.
LONGEST: Final = 28 * 86_400
# The same for APNs (10 at once, 5 when it suits the battery, 1 never wakes it) and web push.
APNS: Final = {Urgency.HIGH: "10", Urgency.NORMAL: "10", Urgency.LOW: "5"}
WEB: Final = {Urgency.HIGH: "high", Urgency.NORMAL: "normal", Urgency.LOW: "low"}
ANDROID: Final = {Urgency.HIGH: "high", Urgency.NORMAL: "high", Urgency.LOW: "normal"}


def message_for(each: Outgoing, address: Address, now: datetime) -> bytes:
    """The body of the request. What is too long for FCM ends with an ellipsis."""
    left = min(max(int((each.expires_at - now).total_seconds()), 0), LONGEST)
    title, text = cut(each.title, TITLE_BYTES), cut(each.body, BODY_BYTES)
    tag = tag_of(each)
    data = {
        "notification_id": each.notification_id,
        "kind": each.kind.name,
        "link": each.link if len(each.link.encode()) <= LINK_BYTES else "/",
        "tag": tag,
    }
    message: dict[str, Any] = {address.kind: address.value, "data": data}
    urgency, key = each.kind.urgency, each.kind.collapse_key
    match address.platform:
        case Platform.ANDROID:
            message["data"] = {**data, "title": title, "body": text, "language": each.language}
            message["android"] = {"ttl": f"{left}s", "priority": ANDROID[urgency]}
            if key:
                message["android"]["collapse_key"] = key
        case Platform.IOS:
            message["notification"] = {"title": title, "body": text}
            message["apns"] = {
                "headers": {
                    "apns-expiration": str(int(now.timestamp()) + left),
                    "apns-priority": APNS[urgency],
                    "apns-collapse-id": tag,
                },
                "payload": {"aps": {} if urgency is Urgency.LOW else {"sound": "default"}},
            }
        case Platform.WEB:
            headers = {"TTL": str(left), "Urgency": WEB[urgency]}
            if key:
                headers["Topic"] = key
            message["webpush"] = {
                "headers": headers,
                "notification": {"title": title, "body": text, "tag": tag, "lang": each.language},
            }
    return msgspec.json.encode({"message": message})


def tag_of(each: Outgoing) -> str:
    """What a device keeps one of: the notification, or the key of its kind."""
    return each.kind.collapse_key or each.notification_id


def cut(text: str, most: int) -> str:
    """The text in at most so many bytes of UTF-8."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    # A character that was cut through is left out, and so are joiners that have nothing behind them.
    return encoded[: most - 3].decode(errors="ignore").rstrip(" \u200d\u200c") + "…"
