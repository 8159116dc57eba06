"""The one rule for texts that people see."""

from __future__ import annotations

import sys
import time
import unicodedata
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
import pytest

from gateway import registry
from gateway.app import Gateway
from gateway.asgi import create_app
from gateway.errors import BadInput
from gateway.text import LINE, TEXT, Texts, checked, display_name
from gateway.unicode.emoji import Palette
from gateway.unicode.normal import MOST_MARKS, has_too_many_marks, normal
from gateway.unicode.skeleton import looks, skeleton

HINDI = "क्\u200dषत्रिय"
TEACHER = "👩\u200d🏫"


class Request(Texts, frozen=True):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=9), LINE] | msgspec.UnsetType = msgspec.UNSET
    text: Annotated[str, msgspec.Meta(max_length=40), TEXT] | None = None
    options: list[Annotated[str, LINE]] = msgspec.field(default_factory=list)


def read(**fields: Any) -> Request:
    return msgspec.convert(fields, Request)


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("Cafe\u0301", "Café"),
        ("  a b ", "a b"),
        ("Al\u200bg\u00adeb\ufeff", "Algeb"),
        ("a\U000e0001b\u2060c\u3164", "abc"),
        (HINDI, HINDI),
        (TEACHER, TEACHER),
        ("❤\ufe0f", "❤\ufe0f"),
        (
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ),
        # An emoji of Unicode 15, which is newer than Python 3.11's data.
        ("\U0001fae8", "\U0001fae8"),
        ("؀١", "؀١"),
    ],
)
def test_a_line_has_one_form(given: str, title: str) -> None:
    assert read(title=given).title == title
    assert read(options=[given, "x"]).options == [title, "x"]


NOTHING = [
    "\u200b",
    " \u00a0",
    "\u3164",
    "\u2800",
    "\u200d\u200c",
    "\U000e0100",
    "\u00ad",
    "\ufe0f",
    "\u2061\ufeff",
]


@pytest.mark.parametrize(
    "given", [*NOTHING, "a\nb", "a\tb", "a\u2028b", "a\u202eb", "\u2067ab", "a\x00", "a\x1b[0m", "a\x85b"]
)
def test_what_a_line_may_not_be(given: str) -> None:
    for fields in ({"title": given}, {"options": ["x", given]}):
        with pytest.raises(BadInput):
            read(**fields)


def test_a_text_may_have_lines_and_directions_but_no_overrides() -> None:
    text = "one\r\n\ttwo \u2067three\u2069 cafe\u0301"
    assert read(text=text).text == unicodedata.normalize("NFC", text)
    assert read(text="").text == ""
    assert read(text="\u200b \u2800").text == ""
    for given in ("a\u202db", "a\x00", "a\x07"):
        with pytest.raises(BadInput):
            read(text=given)


def _piled(count: int) -> str:
    """A letter with `count` marks in an order that is put right one by one."""
    return "a" + "\u0301" * (count // 2) + "\u0323" * (count - count // 2)


PILES = [
    _piled(MOST_MARKS + 1),
    # What nobody sees is left out later on, and a mark without an order too.
    "a" + "\u0323\u200b\u0301" * MOST_MARKS,
    "a" + "\u0301\u034f" * (MOST_MARKS + 1),
    "a" + "\u0323\u20dd\u0301" * MOST_MARKS,
    # Marks once the text has its form.
    "カ" + "\uff9e\u0301" * MOST_MARKS,
    "ཀ" + "\u0f73" * (MOST_MARKS + 1),
]


@pytest.mark.parametrize("given", PILES)
def test_a_pile_of_marks_is_no_text(given: str) -> None:
    for fields in ({"title": given}, {"text": given}, {"options": ["x", given]}):
        with pytest.raises(BadInput, match="marks") as refused:
            msgspec.convert(fields, Piled)
        assert refused.value.code == "invalid"


class Piled(Texts, frozen=True):
    title: Annotated[str, LINE] = "title"
    text: Annotated[str, TEXT] = ""
    options: list[Annotated[str, LINE]] = msgspec.field(default_factory=list)


@pytest.mark.parametrize(
    "given",
    [
        HINDI * 20,
        "Tiếng Việt " * 20,
        unicodedata.normalize("NFD", "Tiếng Việt") * 20,
        TEACHER * 40,
        "1\ufe0f\u20e3" * 40,
        "بِسْمِ ٱللَّهِ" * 20,
        _piled(MOST_MARKS),
        "x\u200b" * 100,
        "x" + "\u200d" * 100,
        "शक्ति " * 20,
    ],
)
def test_no_writing_is_a_pile_of_marks(given: str) -> None:
    assert not has_too_many_marks(given)
    assert normal("NFC", given) == unicodedata.normalize("NFC", given)
    assert read(text=given[:20]).text


def test_all_marks_are_counted() -> None:
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.combining(unicodedata.normalize("NFKD", char)[0]):
            assert has_too_many_marks(f"a{char * (MOST_MARKS + 1)}"), hex(code)


def test_a_name_keeps_as_many_marks_as_a_text_may_have() -> None:
    assert len(unicodedata.normalize("NFD", display_name(_piled(1000)))) == MOST_MARKS + 1
    assert looks(_piled(1000)) == looks(_piled(2000)[:501] + "\u0323" * 9)


def _cost(text: str) -> float:
    def once() -> float:
        began = time.process_time()
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            normal(form, text)
        has_too_many_marks(text)
        return time.process_time() - began

    return min(once() for _ in range(5))


# Piles of few marks are the worst that passes.
@pytest.mark.parametrize("pile", [_piled(20_000), _piled(MOST_MARKS) * 700])
def test_the_time_for_marks_grows_with_the_text(pile: str) -> None:
    # Eight times the text. Its square would be 64 times the time.
    assert _cost(pile) / _cost(pile[: len(pile) // 8]) < 30


def test_a_form_that_is_longer_than_the_text_is_measured() -> None:
    # Its normal form is two characters.
    assert read(title="\u0958" * 4).title == "\u0915\u093c" * 4
    with pytest.raises(BadInput, match="length"):
        read(title="\u0958" * 5)


@pytest.mark.parametrize("given", ["", " ", "\n", *NOTHING])
def test_what_shows_nothing_is_blank(given: str) -> None:
    with pytest.raises(BadInput, match="shows nothing"):
        checked(given, 10, "text")
    assert display_name(given) == ""


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Meera\u200b", "Meera"),
        ("Mee\U000e0041ra", "Mee\U000e0041ra"),
        ("A\u200f  B", "A B"),
        (HINDI, HINDI),
        ("Jose\u0301", "José"),
    ],
)
def test_a_name_is_without_what_is_not_seen(given: str, name: str) -> None:
    assert display_name(given) == name


@pytest.mark.parametrize(
    "other",
    [
        "Meera",
        "meera",
        "MEERA",
        "Mee\u200dra",
        "Mee\U000e0041ra",
        "Mееra",
        "Ｍeera",
        "𝐌eera",
        "Meera\ufe0f",
    ],
)
def test_names_that_look_alike(other: str) -> None:
    assert looks("Meera") & looks(other)


@pytest.mark.parametrize("other", ["Mira", "Meera K", "मीरा", "Neera"])
def test_names_that_do_not(other: str) -> None:
    assert not looks("Meera") & looks(other)


def test_a_skeleton_is_what_the_report_says() -> None:
    assert skeleton("раураl") == skeleton("paypal")
    assert skeleton("rn") == skeleton("m")
    assert skeleton("Iĺ") == skeleton("lĺ")


# What a service looks up or cleans by itself: ids of users, an emoji of the palette, a time zone, a user's own name.
ELSEWHERE = {"user", "co_mentors", "mentions", "emoji", "time_zone", "name"}


def test_every_text_of_a_request_says_how_it_is_shown() -> None:
    fields = fields_of_requests()
    assert [f"{kind}.{name}" for kind, name, hint in fields if name not in ELSEWHERE and _plain_text(hint)] == []


def test_every_text_of_a_request_has_a_greatest_length() -> None:
    assert [f"{kind}.{name}" for kind, name, hint in fields_of_requests() if _endless(hint)] == []


def fields_of_requests() -> list[tuple[str, str, Any]]:
    """The fields of all requests."""
    gateway = Gateway.described(registry.load())
    kinds: set[type] = {command.request for command in gateway.declarations.commands.values()}
    for route in create_app(gateway).routes:
        for handler in getattr(route, "route_handlers", ()):
            data = handler.parsed_data_field
            if data is not None and isinstance(data.annotation, type) and issubclass(data.annotation, msgspec.Struct):
                kinds.add(data.annotation)
    assert len(kinds) > 40
    return [
        (kind.__name__, name, hint)
        for kind in sorted(kinds, key=lambda one: one.__name__)
        for name, hint in get_type_hints(kind, include_extras=True).items()
    ]


def _endless(hint: Any, notes: tuple[Any, ...] = ()) -> bool:
    """Whether a type takes a text of any length. A pattern has an end of its own."""
    if hint is str:
        return not any(getattr(one, "max_length", None) or getattr(one, "pattern", None) for one in notes)
    if hasattr(hint, "__metadata__"):
        return _endless(hint.__origin__, hint.__metadata__)
    return any(_endless(part) for part in get_args(hint))


def _plain_text(hint: Any, notes: tuple[Any, ...] = ()) -> bool:
    """Whether a type lets any text in, without saying how it is shown."""
    if hint is str:
        return not any(one is LINE or one is TEXT or getattr(one, "pattern", None) for one in notes)
    notes = (*notes, *getattr(hint, "__metadata__", ()))
    return any(_plain_text(part, notes) for part in get_args(hint) if not isinstance(part, msgspec.Meta))


def test_a_palette_has_one_form_of_an_emoji() -> None:
    palette = Palette(("❤️", "👍", "🙋\u200d♀️", "1️⃣", "👋🏽", "❤️\u200d🔥"))
    for emoji, form in {
        "❤": "❤️",
        "❤\ufe0e": "❤️",
        "👍🏿": "👍",
        "🙋🏽\u200d♀": "🙋\u200d♀️",
        "1\u20e3": "1️⃣",
        "👋🏽": "👋🏽",
        "❤\u200d🔥": "❤️\u200d🔥",
    }.items():
        assert palette.find(emoji) == form
    for other in ("", "1", "👋", "👋🏿", "🔥", "\ufe0f", "👍👍"):
        assert palette.find(other) is None
