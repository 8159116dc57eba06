"""A mail as bytes: what Python's own parser reads of it, one notification and a digest, and what it costs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from modules.notify.channels.email.labels import DIGEST, DOMAIN, LOCALE, TEXTS, words_in
from modules.notify.channels.email.message import Envelope, message_of
from modules.notify.channels.email.rendering import Item, Mail, Rendering
from modules.notify.mail import page
from modules.notify.texts.writer import TextWriter

ID = "01a2130d-48bf-7174-b972-596a06fb2346"
LONG = "सोमवार को शाम 5:30 बजे IST तक ₹12,34,567.50 का भुगतान करें। " * 6


def envelope(unsubscribe_url: str = "https://api.example.com/u/" + "x" * 200) -> Envelope:
    return Envelope(
        sender="KSMP कक्षा <no-reply@example.com>",
        reply_to="",
        recipient="asha@example.org",
        id=ID,
        at=datetime(2026, 12, 1, 12, 0, tzinfo=UTC),
        language="hi",
        unsubscribe_url=unsubscribe_url,
    )


def hindi(text: str) -> str:
    return TextWriter().label(text, LOCALE, DOMAIN, "hi-IN")


@pytest.mark.parametrize("subject", ["Plain", LONG, "a\r\nBcc: b@example.com", "=?utf-8?b?4KSG?=", "é" * 90, "😀" * 40])
def test_a_parser_reads_what_was_written(subject: str) -> None:
    raw = message_of(envelope(), subject, "Text\n" + LONG, f"<p>{LONG}</p>")
    message = message_from_bytes(raw, policy=policy.default)
    assert not message.defects
    assert all(not part.defects for part in message.walk())
    assert " ".join(str(message["Subject"]).split()) == " ".join(subject.split())
    assert str(message["From"]) == "KSMP कक्षा <no-reply@example.com>"
    assert message["Bcc"] is None
    assert str(message["Message-ID"]) == f"<{ID}@example.com>"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines()[1].strip() == LONG.strip()
    assert html.get_content().strip() == f"<p>{LONG}</p>"
    # RFC 5322: lines end with CRLF, and have at most 998 bytes.
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_a_digest_lists_what_it_tells_of() -> None:
    words = words_in(hindi, receipt=False)
    items = [Item(title=f"काम {n}", lines=["एक", "दो"], url=f"https://app.example.com/{n}") for n in (1, 2)]
    mail = Mail(subject="s", site="KSMP", language="hi", words=words, unsubscribe_url="https://u", items=items)
    text, html = Rendering().render(mail)
    for found in (text, html):
        assert all(item.title in found and item.url in found for item in items)
        assert found.count("खोलें") == 2
    assert "इस तरह के मेल बंद करें: https://u" in text


@pytest.mark.parametrize(
    ("count", "language", "written"),
    [
        (1, "hi", "1 नई सूचना"),
        (3, "hi-IN", "3 नई सूचनाएँ"),
        (1, "en", "1 new notification"),
        (0, "ta", "0 new notifications"),
    ],
)
def test_the_subject_of_a_digest_counts(count: int, language: str, written: str) -> None:
    assert TextWriter().counted(DIGEST, count, LOCALE, DOMAIN, language) == written


def test_what_mails_and_their_page_say_is_translated() -> None:
    for text in (*TEXTS, *page.TEXTS):
        assert hindi(text) != text
