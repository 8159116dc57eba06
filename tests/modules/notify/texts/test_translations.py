"""Every kind that a module contributes is translated into Hindi, in full, with the fields of the English text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import registry
from gateway.app import Gateway
from gateway.localization.catalogue import Catalogue, catalogue_path, read_catalogue
from gateway.localization.formats import plural_forms
from modules.notify.facade import Kind
from modules.notify.texts.kinds import MessageKey, check, fields_of, keys_of

LANGUAGES = ("hi",)
ROOT = Path(__file__).parents[4]
CATALOGUES = sorted((ROOT / "modules").glob("*/locale/*/LC_MESSAGES/*.po"))


@pytest.fixture(scope="module")
def kinds() -> list[Kind]:
    names = [path.parent.name for path in (ROOT / "modules").glob("*/module.py")]
    gateway = Gateway.described(registry.ordered(registry.load(names)))
    return list(gateway.modules[0].kernel.contributed(Kind))


def missing(kind: Kind, catalogue: Catalogue) -> Iterator[MessageKey]:
    for key in keys_of(kind):
        if key not in catalogue:
            yield key


def entry(one: str, other: str) -> str:
    """As it is pasted into a catalogue, for somebody to translate."""
    quoted = [text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for text in (one, other)]
    plural = f'msgid_plural "{quoted[1]}"\nmsgstr[0] ""\nmsgstr[1] ""' if other else 'msgstr ""'
    return f'msgid "{quoted[0]}"\n{plural}\n'


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_is_translated(kinds: list[Kind], language: str) -> None:
    absent: dict[str, list[str]] = {}
    for kind in kinds:
        # What people write themselves is in their language.
        if not [*keys_of(kind)]:
            continue
        assert kind.locale is not None, f"{kind.name} names no folder of translations"
        path = catalogue_path(kind.locale, language, kind.name.partition(".")[0])
        for key in missing(kind, read_catalogue(path)):
            absent.setdefault(str(path), []).append(entry(*key))
    assert not absent, "\n\n".join(f"# {path}\n" + "\n".join(entries) for path, entries in absent.items())


def test_every_kind_has_the_fields_that_its_texts_name(kinds: list[Kind]) -> None:
    for kind in kinds:
        check(kind)


def test_translations_have_the_fields_and_forms_that_they_must() -> None:
    translations = [(path.parents[1].name, *item) for path in CATALOGUES for item in read_catalogue(path).items()]
    for language, (one, other), forms in translations:
        assert len(forms) == (plural_forms(language) if other else 1), one
        for form in forms:
            # A form for one may leave out the number, as in "tomorrow".
            assert fields_of(other or one) - fields_of(form) <= fields_of(other) - fields_of(one), form
            assert fields_of(form) <= fields_of(one) | fields_of(other), form


def test_a_file_that_is_no_catalogue_is_named_with_its_line(tmp_path: Path) -> None:
    path = catalogue_path(tmp_path, "hi", "demo")
    assert read_catalogue(path) == {}
    path.parent.mkdir(parents=True)
    path.write_text('msgid "a"\nmsgstr "b"\nnothing\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"demo\.po"):
        read_catalogue(path)


def test_what_is_missing_is_printed_as_it_is_pasted() -> None:
    assert entry('A "b"', "") == 'msgid "A \\"b\\""\nmsgstr ""\n'
    assert entry("a", "as").splitlines()[1] == 'msgid_plural "as"'
