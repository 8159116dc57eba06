"""Writes a PDF by Typst: the only file that imports it. It blocks, so it is called in a thread.

All that comes from data reaches the template as JSON, as texts: Typst shows them and never reads them as markup. The
same document gives the same bytes. The fonts are those of `fonts/`; the machine's are not looked at.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec
import typst

FONTS: Final = Path(__file__).parent / "fonts"
# For archives, with tags for screen readers.
ARCHIVED: Final[Literal["a-2a"]] = "a-2a"
# PDF/A takes no character that the fonts lack, such as an emoji. Here it is a box, and copies out right.
PLAIN: Final[Literal["1.7"]] = "1.7"


def rendered_pdf(template: Path, document: msgspec.Struct, at: datetime) -> bytes:
    """The PDF of a document, which the template reads from `sys.inputs.document`; `at` is the date that it carries."""
    written = msgspec.json.encode(document).decode()
    try:
        return _compiled(template, written, at, ARCHIVED)
    except typst.TypstError:
        return _compiled(template, written, at, PLAIN)


def _compiled(template: Path, document: str, at: datetime, standard: Literal["a-2a", "1.7"]) -> bytes:
    made = typst.compile(
        _source(template),
        font_paths=_fonts(),
        format="pdf",
        sys_inputs={"document": document},
        timestamp=int(at.timestamp()),
        pdf_standards=standard,
    )
    assert isinstance(made, bytes)
    return made


@cache
def _source(template: Path) -> bytes:
    return template.read_bytes()


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])
