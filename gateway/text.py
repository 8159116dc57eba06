"""The rule for texts that people see: checked when they come in, and brought into one form before they are stored.

A text is in the normal form NFC, has no control characters and no direction overrides, and shows something. A line,
such as a title, has no line breaks, and nothing that changes the direction of what stands beside it; characters that
show nothing and join nothing are left out of it. A request declares its texts by type, and is a `Texts`:

    class NewProgram(Texts, frozen=True):
        title: Annotated[str, Meta(min_length=1, max_length=200), LINE]
        summary: Annotated[str, Meta(max_length=5000), TEXT] = ""
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, get_args, get_type_hints

import msgspec

from gateway.errors import BadInput, Code, invalid
from gateway.unicode.invisible import DIRECTION, OVERRIDES, STRAY, shows_something

NAME_LENGTH: Final = 100

# Tab, line feed and carriage return are part of a text. No font shows the others.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BREAK: Final = re.compile("[\t\n\r\u2028\u2029]")
_OVERRIDE: Final = re.compile(f"[{OVERRIDES}]")


class Shown(enum.Enum):
    """How a field of a request is shown. Stands beside `Meta` in the field's type."""

    LINE = "line"
    TEXT = "text"


LINE: Final = Shown.LINE
TEXT: Final = Shown.TEXT


class Texts(msgspec.Struct, frozen=True):
    """A request with texts that people see: each field that its type marks is checked, and put into one form.

    Reading one raises BadInput `invalid` for a text that is against the rule, besides what msgspec raises.
    """

    def __post_init__(self) -> None:
        for name, form in _marked(type(self)):
            value = getattr(self, name)
            if isinstance(value, str):
                if (formed := form(value, name)) is not value:
                    msgspec.structs.force_setattr(self, name, formed)
            elif isinstance(value, list):
                msgspec.structs.force_setattr(self, name, [form(one, name) for one in value])


def checked(text: str, most: int, field: str) -> str:
    """The text, if it shows something and has at most `most` characters; raises BadInput `invalid` or `too_large`.

    For a field of a `Texts` whose greatest length is a setting.
    """
    if len(text) > most:
        raise BadInput(Code.TOO_LARGE, f"{field} is longer than {most} characters", field=field)
    if not shows_something(text):
        raise invalid(f"{field} is empty, or shows nothing", field=field)
    return text


def display_name(name: str) -> str:
    """A user's name for showing, at most 100 characters, without what is not seen; "" when nothing is left."""
    seen = unicodedata.normalize("NFC", name)
    for unseen in (_CONTROL, _BREAK, DIRECTION, STRAY):
        seen = unseen.sub("", seen)
    kept = " ".join(seen.split())[:NAME_LENGTH].rstrip()
    return kept if shows_something(kept) else ""


def line_of(text: str, field: str) -> str:
    """The form of a text of one line; raises BadInput `invalid`."""
    text = _normal(text, field)
    if not text.isascii():
        text = STRAY.sub("", text)
    if _BREAK.search(text) or DIRECTION.search(text):
        raise invalid(f"{field} must be one line, without control or direction characters", field=field)
    if not shows_something(text):
        raise invalid(f"{field} is empty, or shows nothing", field=field)
    return text.strip()


def text_of(text: str, field: str) -> str:
    """The form of a text of any number of lines, which may be empty; raises BadInput `invalid`."""
    text = _normal(text, field)
    if text and not text.isspace() and not shows_something(text):
        raise invalid(f"{field} shows nothing", field=field)
    return text


def _normal(text: str, field: str) -> str:
    if _CONTROL.search(text) or _OVERRIDE.search(text):
        raise invalid(f"{field} has control characters, or turns the direction of text around", field=field)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@cache
def _marked(kind: type[Texts]) -> tuple[tuple[str, Callable[[str, str], str]], ...]:
    """The fields of a struct that are shown, each with what brings it into form."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple((name, form) for name, hint in hints.items() for form in _forms(hint))


def _forms(hint: Any) -> Iterator[Callable[[str, str], str]]:
    notes = getattr(hint, "__metadata__", ())
    for note in notes:
        if isinstance(note, Shown):
            lengths = [one.max_length for one in notes if isinstance(one, msgspec.Meta) and one.max_length is not None]
            yield _form(line_of if note is LINE else text_of, min(lengths, default=None))
    for part in get_args(hint):
        if not isinstance(part, (msgspec.Meta, Shown)):
            yield from _forms(part)


def _form(shape: Callable[[str, str], str], longest: int | None) -> Callable[[str, str], str]:
    def form(text: str, field: str) -> str:
        formed = shape(text, field)
        # Some characters have a longer normal form than they are.
        if longest is not None and len(formed) > longest:
            raise invalid(f"Expected `str` of length <= {longest}", field=field)
        return formed

    return form
