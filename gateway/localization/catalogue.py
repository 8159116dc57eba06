"""Catalogues of translations: gettext's `.po` files, read as they are. Nothing is compiled, so nothing is out of date.

Babel is loaded and the file read at the first use: read it in a thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# The English text and its plural ("" for none) → the forms in the language, in the order of `plural_form`.
Catalogue = Mapping[tuple[str, str], tuple[str, ...]]


def catalogue_path(folder: Path, language: str, domain: str) -> Path:
    """Where a folder of translations has those of a domain, which is a module's name."""
    return folder / language / "LC_MESSAGES" / f"{domain}.po"


def read_catalogue(path: Path) -> Catalogue:
    """What is translated in full; what is marked fuzzy is not. Nothing for a file that is not there.

    Raises ValueError for a file that is no catalogue, with its name and line.
    """
    from babel.messages.pofile import PoFileError, read_po  # noqa: PLC0415

    if not path.is_file():
        return {}
    with path.open("rb") as file:
        try:
            messages = read_po(file, abort_invalid=True)
        except PoFileError as error:
            raise ValueError(f"{path}: {error}") from error
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for message in messages:
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        if message.id and not message.fuzzy and forms and all(forms):
            one, other = (message.id, "") if isinstance(message.id, str) else message.id
            found[one, other] = forms
    return found
