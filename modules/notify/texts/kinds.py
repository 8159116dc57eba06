"""The texts of a kind: what is translated, and which fields of its data they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modules.notify.facade import Kind, Plural

# `%(title)s`; `%%` is a percent sign.
FIELD: Final = re.compile(r"%\((?P<name>\w+)\)s")
LEFT_OVER: Final = re.compile(r"%(?!%|\(\w+\)s)")

# The English text and its plural, "" for none: the key of a translation.
MessageKey = tuple[str, str]


def key_of(text: str | Plural) -> MessageKey:
    return (text.one, text.other) if isinstance(text, Plural) else (text, "")


def keys_of(kind: Kind) -> Iterator[MessageKey]:
    """What of a kind is translated. A text that consists of fields alone is not."""
    for text in (kind.title, kind.body):
        key = key_of(text)
        if FIELD.sub("", key[0]).strip():
            yield key


def fields_of(text: str) -> set[str]:
    return {found["name"] for found in FIELD.finditer(text)}


def check(kind: Kind) -> None:
    """Raises ValueError for texts that cannot be written: they name a field that the data does not have."""
    known = set(kind.data.__struct_fields__)
    texts = [text for key in (key_of(kind.title), key_of(kind.body)) for text in key]
    for text in (*texts, kind.link, kind.room):
        if unknown := fields_of(text) - known:
            raise ValueError(f"{kind.name}: no field {min(unknown)} in {kind.data.__name__}: {text!r}")
        if LEFT_OVER.search(text.replace("%%", "")):
            raise ValueError(f"{kind.name}: a percent sign is %% in {text!r}")
    for plural in (kind.title, kind.body):
        if isinstance(plural, Plural) and plural.count not in known:
            raise ValueError(f"{kind.name}: no field {plural.count} in {kind.data.__name__} to count")
