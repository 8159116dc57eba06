"""Writes notifications: the texts of a kind, in a language, with the fields of its data as the reader writes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
import structlog

from gateway.localization import formats
from gateway.localization.catalogue import Catalogue, catalogue_path, read_catalogue
from modules.notify.facade import Kind, Money, Plural
from modules.notify.texts.kinds import FIELD, MessageKey, key_of
from modules.notify.texts.written import Written

log = structlog.get_logger()

ENGLISH: Final = "en"
NOTHING: Final[Catalogue] = {}


@dataclass(frozen=True)
class Unwritten:
    """A notification for one reader. `language` is a language or a whole locale: `hi`, `hi-IN`."""

    kind: Kind
    data: msgspec.Struct
    language: str
    time_zone: str


class TextWriter:
    """Writes texts in every language that a module has a catalogue of, and in English.

    Catalogues are read when they are first needed, and kept. A text that has no translation is written in English, and
    so is one whose translation names fields that are not there.
    """

    def __init__(self) -> None:
        self._catalogues: dict[Path, Catalogue] = {}
        self._zones: dict[str, tzinfo] = {}

    async def write_all(self, batch: Sequence[Unwritten]) -> list[Written]:
        """The words of each, in order. Readers of one language and zone share those of the same `data` object."""
        return await asyncio.to_thread(self._write_all, batch)

    def _write_all(self, batch: Sequence[Unwritten]) -> list[Written]:
        written: dict[tuple[str, int, str, str], Written] = {}
        words = []
        for one in batch:
            key = (one.kind.name, id(one.data), one.language, one.time_zone)
            if key not in written:
                written[key] = self.write(one)
            words.append(written[key])
        return words

    def write(self, one: Unwritten) -> Written:
        """It may read files: call it in a thread."""
        kind, language = one.kind, language_of(one.language)
        catalogue = NOTHING
        if language != ENGLISH and kind.locale is not None:
            path = catalogue_path(kind.locale, language, kind.name.partition(".")[0])
            catalogue = self._catalogue(path)
        values = Values(one.data, self._zone(one.time_zone), language)
        title, body = (_written(kind, text, catalogue, language, values) for text in (kind.title, kind.body))
        return Written(
            title=" ".join(title.split()),
            body=body.strip(),
            link=path_of(kind.link, one.data),
            language=language,
            time_zone=one.time_zone,
        )

    def label(self, text: str, folder: Path, domain: str, language: str) -> str:
        """A text of a page or a mail around the notification, translated; it may read files too."""
        return self._translated((text, ""), folder, domain, language)[1][0]

    def counted(self, text: Plural, count: int, folder: Path, domain: str, language: str) -> str:
        """The same of a text with a number."""
        language, forms = self._translated(key_of(text), folder, domain, language)
        form = forms[min(formats.plural_form(count, language), len(forms) - 1)]
        return form % {text.count: formats.number(count, language)}

    def _translated(self, key: MessageKey, folder: Path, domain: str, language: str) -> tuple[str, Sequence[str]]:
        """The language that there is, and the forms of the text in it."""
        language = language_of(language)
        path = catalogue_path(folder, language, domain)
        found = None if language == ENGLISH else self._catalogue(path).get(key)
        return (ENGLISH, _forms(key)) if found is None else (language, found)

    def _catalogue(self, path: Path) -> Catalogue:
        if path not in self._catalogues:
            self._catalogues[path] = read_catalogue(path)
        return self._catalogues[path]

    def _zone(self, name: str) -> tzinfo:
        if name not in self._zones:
            try:
                self._zones[name] = ZoneInfo(name)
            except (KeyError, OSError, ValueError):
                # A zone that a newer gateway wrote, whose database has it.
                self._zones[name] = UTC
        return self._zones[name]


class Values(Mapping[str, str]):
    """The fields of a notification's data, written when they are asked for."""

    def __init__(self, data: msgspec.Struct, zone: tzinfo, language: str) -> None:
        self._data = data
        self._zone = zone
        self.language = language

    def __getitem__(self, field: str) -> str:
        return written(self.value(field), self._zone, self.language)

    def __iter__(self) -> Iterator[str]:
        return iter(self._data.__struct_fields__)

    def __len__(self) -> int:
        return len(self._data.__struct_fields__)

    def value(self, field: str) -> Any:
        if field not in self._data.__struct_fields__:
            raise KeyError(field)
        return getattr(self._data, field)

    def in_english(self) -> Values:
        return Values(self._data, self._zone, ENGLISH)


class PathValues(Values):
    """The same as parts of a path."""

    def __init__(self, data: msgspec.Struct) -> None:
        super().__init__(data, UTC, ENGLISH)

    def __getitem__(self, field: str) -> str:
        return quote(str(self.value(field)), safe="")


def path_of(link: str, data: msgspec.Struct) -> str:
    """The path of a link. A field that is all of it is a path itself."""
    if whole := FIELD.fullmatch(link):
        return str(getattr(data, whole["name"]))
    return link % PathValues(data)


def language_of(locale: str) -> str:
    """The language of a locale: `hi` of `hi-IN`."""
    return locale.replace("_", "-").partition("-")[0].lower() or ENGLISH


def written(value: Any, zone: tzinfo, language: str) -> str:
    """A value as a reader writes it."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return str(value)
        case int() | float() | Decimal():
            return formats.number(value, language)
        case datetime():
            return formats.time_of(value, zone, language)
        case date():
            return formats.day(value, language)
        case Money(minor, currency):
            return formats.money(minor, currency, language)
        case list() | tuple():
            return ", ".join(written(one, zone, language) for one in value)
        case _:
            return str(value)


def _written(kind: Kind, text: str | Plural, catalogue: Catalogue, language: str, values: Values) -> str:
    key = key_of(text)
    translated = catalogue.get(key) if key[0] else None
    if translated is not None:
        try:
            return _form(text, translated, language, values) % values
        except (KeyError, ValueError, TypeError) as error:
            log.error("texts.bad_translation", kind=kind.name, language=language, text=key[0], error=repr(error))
    return _form(text, _forms(key), ENGLISH, values) % values.in_english()


def _forms(key: MessageKey) -> tuple[str, ...]:
    return key if key[1] else key[:1]


def _form(text: str | Plural, forms: Sequence[str], language: str, values: Values) -> str:
    if not isinstance(text, Plural):
        return forms[0]
    # A catalogue with too few forms has its last one for the rest.
    return forms[min(formats.plural_form(values.value(text.count), language), len(forms) - 1)]
