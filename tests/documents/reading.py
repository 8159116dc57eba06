"""Reads PDFs back: their text, and what a phone reads from the QR codes of the first page."""

from __future__ import annotations

import pypdfium2
import zxingcpp


def text_of(pdf: bytes) -> str:
    """The text as a browser copies it, in one line."""
    document = pypdfium2.PdfDocument(pdf)
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())


def codes_of(pdf: bytes) -> list[str]:
    picture = pypdfium2.PdfDocument(pdf)[0].render(scale=2, grayscale=True)
    pixels = memoryview(picture.buffer).cast("B", (picture.height, picture.stride))
    return [found.text for found in zxingcpp.read_barcodes(pixels)]
