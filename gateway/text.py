"""The rule for texts that people see: checked when they come in, and brought into one form before they are stored.

A text is in the normal form NFC, has no control characters and no direction overrides, no more than 30 marks on one
letter, and shows something or is empty.
A line, such as a title, is never empty. It has no line breaks, and nothing that changes the direction of what stands
beside it; characters that show nothing and join nothing are left out of it. A request marks its texts by type, and is a
`Texts`:

    class NewProgram(Texts, frozen=True):
        title: Annotated[str, Meta(min_length=1, max_length=200), LINE]
        summary: Annotated[str, Meta(max_length=5000), TEXT] = ""
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, get_args, get_type_hints

import msgspec

from gateway.errors import BadInput, Code, invalid
from gateway.unicode.invisible import (
    BLANK,
    CONTROLS,
    DEFAULT_IGNORABLE,
    DIRECTIONS,
    OVERRIDES,
    STRAY,
    VISIBLE,
    shows_something,
)
from gateway.unicode.normal import MOST_MARKS, has_too_many_marks, normal

NAME_LENGTH: Final = 100

# Tab, line feed and carriage return are part of a text. No font shows the other controls.
_NO_TEXT: Final = rf"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{OVERRIDES}"
_NO_LINE: Final = rf"{CONTROLS}\u2028\u2029{DIRECTIONS}"
_NOT_IN_TEXT: Final = re.compile(f"[{_NO_TEXT}]")
_NOT_IN_LINE: Final = re.compile(f"[{_NO_LINE}]")

BEYOND: Final = re.compile("[\U00010000-\U0010ffff](?:-[\U00010000-\U0010ffff])?")


def _shown(pattern: str) -> msgspec.Meta:
    """How a field of a request is shown. The pattern is for the API's description alone.

    It leaves out characters beyond U+FFFF: a regular expression of JavaScript takes no range of them without a flag.
    """
    return msgspec.Meta(extra_json_schema={"pattern": BEYOND.sub("", pattern)})


# They stand beside the `Meta` of the field's length.
LINE: Final = _shown(f"^[^{_NO_LINE}]*[^{_NO_LINE}\\s{DEFAULT_IGNORABLE}{BLANK}][^{_NO_LINE}]*$")
TEXT: Final = _shown(f"^[^{_NO_TEXT}]*$")
# For what `display_name` cleans.
NAME: Final = _shown(VISIBLE.pattern)
# For a field whose greatest length is a setting: no more than this is looked at.
LONG: Final = msgspec.Meta(max_length=100_000)


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


def texts_of(request: Texts) -> Iterator[tuple[str, str]]:
    """The texts of a request that people see, each with the name of its field; no empty ones."""
    for name, _ in _marked(type(request)):
        value = getattr(request, name)
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and text:
                yield name, text


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
    seen = STRAY.sub("", _NOT_IN_LINE.sub("", normal("NFC", name)))
    kept = " ".join(seen.split())[:NAME_LENGTH].rstrip()
    return kept if shows_something(kept) else ""


def line_of(text: str, field: str) -> str:
    """The form of a text of one line; raises BadInput `invalid`."""
    # The `$` of a pattern lets one pass at the end.
    text = text.removesuffix("\n")
    # Nothing printable is a control character, or turns a direction. This is the way of nearly all texts.
    if not text.isprintable() and _NOT_IN_LINE.search(text):
        raise invalid(f"{field} must be one line, without control or direction characters", field=field)
    if not text.isascii():
        _check_marks(text, field)
        text = STRAY.sub("", normal("NFC", text))
    if not shows_something(text):
        raise invalid(f"{field} is empty, or shows nothing", field=field)
    return text.strip()


def text_of(text: str, field: str) -> str:
    """The form of a text of any number of lines, "" for one that shows nothing; raises BadInput `invalid`."""
    if not text.isprintable() and _NOT_IN_TEXT.search(text):
        raise invalid(f"{field} has control characters, or turns the direction of text around", field=field)
    if not text.isascii():
        _check_marks(text, field)
        text = normal("NFC", text)
    return text if shows_something(text) else ""


def _check_marks(text: str, field: str) -> None:
    if has_too_many_marks(text):
        raise invalid(f"{field} has more than {MOST_MARKS} marks on one letter", field=field)


@cache
def _marked(kind: type[Texts]) -> tuple[tuple[str, Callable[[str, str], str]], ...]:
    """The fields of a struct that are shown, each with what brings it into form."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple((name, form) for name, hint in hints.items() for form in _forms(hint))


def _forms(hint: Any) -> Iterator[Callable[[str, str], str]]:
    notes = getattr(hint, "__metadata__", ())
    for note in notes:
        if note is LINE or note is TEXT:
            lengths = [one.max_length for one in notes if isinstance(one, msgspec.Meta) and one.max_length is not None]
            yield _form(line_of if note is LINE else text_of, min(lengths, default=None))
    for part in get_args(hint):
        if not isinstance(part, msgspec.Meta):
            yield from _forms(part)


def _form(shape: Callable[[str, str], str], longest: int | None) -> Callable[[str, str], str]:
    def form(text: str, field: str) -> str:
        formed = shape(text, field)
        # Some characters have a longer normal form than they are.
        if longest is not None and len(formed) > longest:
            raise invalid(f"Expected `str` of length <= {longest}", field=field)
        return formed

    return form
