"""A template and a struct become a PDF, and a text becomes a QR code that can be read."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from gateway.documents.qr_code import qr_svg
from gateway.documents.typst_renderer import rendered_pdf
from tests.documents.reading import codes_of, text_of

NOW = datetime(2026, 7, 1, tzinfo=UTC)
TEMPLATE = """
#let letter = json(bytes(sys.inputs.document))
#set document(title: letter.title, date: auto)
#set text(font: ("Noto Sans", "Noto Sans Devanagari"), lang: "en")
= #letter.title
#image(bytes(letter.code), format: "svg", width: 30mm, alt: "code")
"""
ADDRESS = "https://school.example/certificates/ABCDE-FGHJK"


class Letter(msgspec.Struct, frozen=True):
    title: str
    code: str


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "letter.typ"
    path.write_text(TEMPLATE)
    return path


async def made(template: Path, title: str) -> bytes:
    return await asyncio.to_thread(rendered_pdf, template, Letter(title, qr_svg(ADDRESS)), NOW)


async def test_the_same_document_gives_the_same_bytes(template: Path) -> None:
    assert await made(template, "Hello") == await made(template, "Hello")


async def test_a_code_can_be_read_from_the_page(template: Path) -> None:
    pdf = await made(template, "Hello")
    assert b"pdfaid" in pdf
    assert codes_of(pdf) == [ADDRESS]


async def test_a_page_with_an_emoji_is_a_plain_pdf(template: Path) -> None:
    pdf = await made(template, "Hello \N{PARTY POPPER}")
    assert b"pdfaid" not in pdf
    assert "Hello" in text_of(pdf)


async def test_data_is_never_markup(template: Path) -> None:
    assert text_of(await made(template, "#strong[a] *b* $x$")) == "#strong[a] *b* $x$"
