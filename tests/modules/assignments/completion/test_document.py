"""The PDF of a certificate: names in Devanagari and Latin, one page however long they are, and a code that is read."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pypdfium2
import pytest

from modules.assignments.completion.code import LENGTH, new_code, shown, typed
from modules.assignments.completion.document import certificate_pdf
from tests.documents.reading import codes_of, text_of

ADDRESS = "https://school.example/certificates/7Q2VX-K9D3M-0W8TR-5YHJ6"
BASE: dict[str, Any] = {
    "code": "7Q2VX-K9D3M-0W8TR-5YHJ6",
    "name": "Krishnamurti Dwivedi",
    "program": "Algebra",
    # The next day in India.
    "issued_at": datetime(2026, 6, 30, 20, tzinfo=UTC),
    "zone": "Asia/Kolkata",
    "address": ADDRESS,
    "language": "en",
}


async def made(**values: Any) -> bytes:
    return await asyncio.to_thread(lambda: certificate_pdf(**BASE | values))


async def test_a_certificate_says_who_what_and_when() -> None:
    pdf = await made()
    text = text_of(pdf)
    for part in ("Certificate of completion", "Krishnamurti Dwivedi", "Algebra", "1 July 2026", BASE["code"], ADDRESS):
        assert part in text
    assert codes_of(pdf) == [ADDRESS]
    # For archives, with tags.
    assert b"pdfaid" in pdf


async def test_the_same_certificate_is_the_same_bytes() -> None:
    assert await made() == await made()


@pytest.mark.parametrize("name", ["श्रीमती शर्मा", "தமிழ்ச்செல்வி", "ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ", "आशा Rao"])
async def test_names_are_in_the_scripts_of_india(name: str) -> None:
    pdf = await made(name=name)
    # A font that lacked a letter would make it a plain PDF.
    assert b"pdfaid" in pdf
    assert name.rsplit(maxsplit=1)[-1] in text_of(pdf)


async def test_a_certificate_in_hindi() -> None:
    text = text_of(await made(language="hi", name="आशा"))
    for part in ("प्रमाणपत्र", "आशा", "1 जुलाई 2026"):
        assert part in text


@pytest.mark.parametrize("long", ["W" * 100, "Name " * 20, "अ" * 100])
async def test_long_names_stay_on_the_page(long: str) -> None:
    pdf = await made(name=long, program=long * 2)

    def edges() -> list[tuple[float, float]]:
        document = pypdfium2.PdfDocument(pdf)
        assert len(document) == 1
        page = document[0]
        text = page.get_textpage()
        boxes = [text.get_charbox(number) for number in range(text.count_chars())]
        return [(left, page.get_width() - right) for left, _, right, _ in boxes]

    assert min(min(pair) for pair in await asyncio.to_thread(edges)) > 25


async def test_without_an_address_there_is_the_code_alone() -> None:
    pdf = await made(address="")
    assert BASE["code"] in text_of(pdf)
    assert codes_of(pdf) == []


async def test_names_are_never_markup() -> None:
    assert '#strong[a] *b* $x$ "q"' in text_of(await made(name='#strong[a] *b* $x$ "q"'))


def test_a_code_is_read_as_people_type_it() -> None:
    code = new_code()
    assert len({new_code() for _ in range(1000)}) == 1000
    assert typed(shown(code)) == typed(shown(code).lower()) == typed(f" {code} ") == code
    assert typed("oO-iIlL") == "001111"
    assert (len(code), shown("A" * LENGTH)) == (LENGTH, "AAAAA-AAAAA-AAAAA-AAAAA")
