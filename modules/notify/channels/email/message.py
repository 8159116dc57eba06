"""The message: headers and the two bodies as MIME (RFC 5322, 2045, 2047, 2369, 8058).

It is put together here, and not by Python's `email`, which takes thirty times as long for the same bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from typing import Final

END: Final = b"\r\n"
# A mail's text can hold no such line: bodies are in base64.
BOUNDARY: Final = "=_ksmp_{id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """Who writes to whom. `id` is the notification's, the same in every try."""

    sender: str
    reply_to: str
    recipient: str
    id: str
    at: datetime
    language: str
    # Empty for a receipt.
    unsubscribe_url: str


def message_of(envelope: Envelope, subject: str, text: str, html: str) -> bytes:
    """The bytes of a mail with a text and an HTML body. No line of what is given can become a header."""
    boundary = BOUNDARY.format(id=envelope.id).encode()
    lines = [f"{name}: {value}".encode("ascii") for name, value in _headers(envelope, subject)]
    lines.append(b'Content-Type: multipart/alternative; boundary="' + boundary + b'"')
    parts = [END.join(lines), b""]
    for kind, body in (("plain", text), ("html", html)):
        parts += [b"--" + boundary, f"Content-Type: text/{kind}; charset=utf-8".encode()]
        parts += [b"Content-Transfer-Encoding: base64", b"", _base64(body)]
    return END.join([*parts, b"--" + boundary + b"--", b""])


def message_id(notification_id: str, sender: str) -> str:
    return f"<{notification_id}@{parseaddr(sender)[1].rpartition('@')[2]}>"


def _headers(envelope: Envelope, subject: str) -> Iterator[tuple[str, str]]:
    yield "From", formataddr(parseaddr(envelope.sender))
    yield "To", envelope.recipient
    if envelope.reply_to:
        yield "Reply-To", formataddr(parseaddr(envelope.reply_to))
    yield "Subject", _encoded(subject, "Subject")
    yield "Date", format_datetime(envelope.at)
    # SES replaces it by its own; the next header stays.
    yield "Message-ID", message_id(envelope.id, envelope.sender)
    yield "X-KSMP-Notification", envelope.id
    yield "MIME-Version", "1.0"
    yield "Content-Language", envelope.language
    # Nobody's answering machine answers it.
    yield "Auto-Submitted", "auto-generated"
    if envelope.unsubscribe_url:
        yield "List-Unsubscribe", f"<{envelope.unsubscribe_url}>"
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


def _encoded(text: str, name: str) -> str:
    """A header's text in ASCII, folded."""
    line = " ".join(text.split())
    # What looks like an encoded word is one to its reader, so it is encoded itself.
    plain = line.isascii() and "=?" not in line
    return Header(line, "us-ascii" if plain else "utf-8", header_name=name).encode(linesep="\r\n")


def _base64(body: str) -> bytes:
    return base64.encodebytes(body.replace("\r\n", "\n").replace("\n", "\r\n").encode()).replace(b"\n", END)
