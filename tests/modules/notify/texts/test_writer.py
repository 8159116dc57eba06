"""Notifications in the reader's words: plurals, money, times in their zone, and what happens without a translation."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from modules.notify.facade import Kind, Money, Plural
from modules.notify.texts.kinds import check
from modules.notify.texts.writer import TextWriter, Unwritten
from modules.notify.texts.written import Written

HINDI = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

msgid "%(hours)s hour left for %(title)s"
msgid_plural "%(hours)s hours left for %(title)s"
msgstr[0] "%(title)s के लिए %(hours)s घंटा बाकी"
msgstr[1] "%(title)s के लिए %(hours)s घंटे बाकी"

msgid "Pay %(price)s until %(due_at)s."
msgstr "%(due_at)s तक %(price)s का भुगतान करें।"

msgid "Bad %(title)s"
msgstr "ख़राब %(nothing)s"

#, fuzzy
msgid "Unsure %(title)s"
msgstr "शायद %(title)s"
"""


class Data(msgspec.Struct, frozen=True):
    title: str = "Algebra"
    hours: float = 1
    price: Money = Money(12_34_567_50, "INR")
    due_at: datetime = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def locale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("locale")
    file = folder / "hi" / "LC_MESSAGES" / "demo.po"
    file.parent.mkdir(parents=True)
    file.write_text(HINDI, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def due(locale: Path) -> Kind:
    left = Plural(one="%(hours)s hour left for %(title)s", other="%(hours)s hours left for %(title)s", count="hours")
    return Kind(
        name="demo.due",
        data=Data,
        title=left,
        body="Pay %(price)s until %(due_at)s.",
        link="/homework/%(title)s",
        locale=locale,
    )


def written(kind: Kind, language: str, zone: str = "Asia/Kolkata", data: msgspec.Struct | None = None) -> Written:
    return TextWriter().write(Unwritten(kind, data or Data(), language, zone))


def test_money_and_times_are_the_readers(due: Kind) -> None:
    assert written(due, "hi-IN").body == "सोमवार, 30 नवंबर 2026, शाम 5:30 बजे IST तक ₹12,34,567.50 का भुगतान करें।"
    assert written(due, "en").body == "Pay ₹12,34,567.50 until Mon, 30 Nov 2026, 5:30 PM IST."
    assert written(due, "en_GB", "Europe/London").body.endswith("12:00 PM GMT.")
    assert written(due, "en", "Asia/Dubai").body.endswith("4:00 PM GMT+04.")
    # A zone that this machine does not know, and a language that nobody translated into.
    assert written(due, "ta", "Mars/Olympus").body.endswith("12:00 PM UTC.")


@pytest.mark.parametrize(
    ("hours", "english", "hindi"),
    [
        (0, "0 hours", "0 घंटा"),
        (0.5, "0.5 hours", "0.5 घंटा"),
        (1, "1 hour", "1 घंटा"),
        (1.0, "1 hour", "1 घंटा"),
        (Decimal("1.5"), "1.5 hours", "1.5 घंटे"),
        (2, "2 hours", "2 घंटे"),
        (1_00_000, "1,00,000 hours", "1,00,000 घंटे"),
    ],
)
def test_each_language_has_its_own_plurals(due: Kind, hours: float, english: str, hindi: str) -> None:
    assert written(due, "en", data=Data(hours=hours)).title == f"{english} left for Algebra"
    assert written(due, "hi", data=Data(hours=hours)).title == f"Algebra के लिए {hindi} बाकी"


def test_a_title_is_one_line_and_a_link_is_a_path(due: Kind) -> None:
    words = written(due, "en", data=Data(title="50% off\r\nBcc: all/../%(hours)s"))
    assert words.title == "1 hour left for 50% off Bcc: all/../%(hours)s"
    assert words.link == "/homework/50%25%20off%0D%0ABcc%3A%20all%2F..%2F%25%28hours%29s"


def test_what_has_no_good_translation_is_written_in_english(locale: Path) -> None:
    for title in ("Bad %(title)s", "Unsure %(title)s", "New %(title)s"):
        kind = Kind(name="demo.x", data=Data, title=title, locale=locale)
        assert written(kind, "hi").title == title % {"title": "Algebra"}


def test_lists_dates_and_nothing_are_written_too() -> None:
    class Other(msgspec.Struct, frozen=True):
        names: tuple[str, ...] = ("Asha", "Ravi")
        on: date = date(2026, 4, 1)
        gone: str | None = None

    kind = Kind(name="demo.y", data=Other, title="%(names)s: %(on)s%(gone)s, 100%%")
    assert written(kind, "en", data=Other()).title == "Asha, Ravi: 1 April 2026, 100%"


async def test_a_batch_is_in_order_and_equal_readers_share(due: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, counted = TextWriter(), []
    write = writer.write
    monkeypatch.setattr(writer, "write", lambda one: counted.append(one) or write(one))
    data = Data()
    batch = [Unwritten(due, data, language, "Asia/Kolkata") for language in ("hi", "en", "hi", "hi")]
    words = await writer.write_all(batch)
    assert [one.title[0] for one in words] == ["A", "1", "A", "A"]
    assert len(counted) == 2


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"title": "Due %(when)s"}, "no field when"),
        ({"title": "100% of %(title)s"}, "percent sign"),
        ({"link": "/x/%(id)s"}, "no field id"),
        ({"title": Plural(one="a", other="b", count="days")}, "no field days"),
    ],
)
def test_texts_that_name_no_field_are_found_at_the_start(due: Kind, changes: dict[str, object], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        check(Kind(**{"name": "demo.z", "data": Data, "title": "x", **changes}))  # type: ignore[arg-type]
    check(due)


def test_babel_is_loaded_with_the_first_text_and_not_with_the_modules() -> None:
    costly = ("babel", "css_inline", "aioboto3")
    script = (
        f"import sys, modules.notify.module, modules.payments.module; print(any(x in sys.modules for x in {costly}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
