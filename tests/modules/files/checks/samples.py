"""Small files of each type, as programs write them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

OFFICE = "application/vnd.openxmlformats-officedocument"
OPEN = "application/vnd.oasis.opendocument"


def archive(entries: Mapping[str, bytes], *, comment: bytes = b"", before: bytes = b"") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as zipped:
        for name, content in entries.items():
            zipped.writestr(name, content)
        zipped.comment = comment
    return before + made.getvalue()


def office(part: str, **more: bytes) -> bytes:
    return archive({"[Content_Types].xml": b"<Types/>", "_rels/.rels": b"", part: b"<document/>"} | more)


def open_document(kind: str) -> bytes:
    return archive({"mimetype": f"{OPEN}.{kind}".encode(), "content.xml": b"<office/>"})


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def jpeg(width: int, height: int, *, turned: bool = False) -> bytes:
    """With `turned` its EXIF says that it stands on its side, as a phone writes it."""
    exif = b""
    if turned:
        tiff = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
        exif = b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\x00\x00" + tiff
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8" + exif + frame + b"\xff\xd9"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00;"


def webp(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4)
    body += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def iso(brand: bytes, *others: bytes) -> bytes:
    return box(b"ftyp", brand + bytes(4) + b"".join(others)) + box(b"mdat", b"pictures")


def heic(width: int, height: int, *, turned: bool = False) -> bytes:
    """With `turned` it is shown after three quarter turns, as a phone writes it that is held upright."""
    size = box(b"ispe", bytes(4) + struct.pack(">II", width, height))
    turn = box(b"irot", b"\x03" if turned else b"\x00")
    places = box(b"ipma", bytes(4) + struct.pack(">IHBBB", 1, 1, 2, 0x81, 0x82))
    properties = box(b"iprp", box(b"ipco", size + turn) + places)
    item = box(b"infe", b"\x02\x00\x00\x00" + struct.pack(">HH", 1, 0) + b"hvc1\x00")
    items = box(b"iinf", bytes(4) + struct.pack(">H", 1) + item)
    meta = box(b"meta", bytes(4) + box(b"pitm", bytes(4) + struct.pack(">H", 1)) + items + properties)
    return box(b"ftyp", b"heic" + bytes(4) + b"mif1heic") + meta


WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm\x42\x87"

# By media type, with a name.
GOOD: dict[str, tuple[str, bytes]] = {
    "application/pdf": ("a.pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n%%EOF"),
    "image/png": ("a.png", png(30, 20)),
    "image/jpeg": ("a.jpg", jpeg(30, 20)),
    "image/gif": ("a.gif", gif(30, 20)),
    "image/webp": ("a.webp", webp(30, 20)),
    "image/heic": ("a.heic", heic(30, 20)),
    "video/mp4": ("a.mp4", iso(b"isom", b"isom", b"iso2")),
    "video/webm": ("a.webm", WEBM),
    "video/quicktime": ("a.mov", iso(b"qt  ")),
    "audio/mpeg": ("a.mp3", b"\xff\xfb\x90\x64" + bytes(400)),
    "audio/mp4": ("a.m4a", iso(b"M4A ")),
    "audio/webm": ("a.weba", WEBM),
    "audio/ogg": ("a.ogg", b"OggS\x00\x02" + bytes(20)),
    "audio/wav": ("a.wav", b"RIFF\x24\x00\x00\x00WAVEfmt "),
    "application/zip": ("a.zip", archive({"a.txt": b"hello"})),
    f"{OFFICE}.wordprocessingml.document": ("a.docx", office("word/document.xml")),
    f"{OFFICE}.spreadsheetml.sheet": ("a.xlsx", office("xl/workbook.xml")),
    f"{OFFICE}.presentationml.presentation": ("a.pptx", office("ppt/presentation.xml")),
    f"{OPEN}.text": ("a.odt", open_document("text")),
    f"{OPEN}.spreadsheet": ("a.ods", open_document("spreadsheet")),
    f"{OPEN}.presentation": ("a.odp", open_document("presentation")),
    "text/plain": ("a.txt", "नमस्ते, world\r\n".encode()),
    "text/markdown": ("a.md", b"# Title\n"),
    "text/csv": ("a.csv", "\ufeffname,mark\nअनु,7\n".encode()),
    "text/x-python": ("a.py", b"print('hello')\n"),
    "text/x-java-source": ("A.java", b"class A {}\n"),
    "text/x-c": ("a.c", b"int main(void) { return 0; }\n"),
    "application/sql": ("a.sql", b"SELECT 1;\n"),
    "application/x-tex": ("a.tex", b"\\documentclass{article}\n"),
    "application/json": ("a.json", b' {"a": 1}'),
    "application/x-ipynb+json": ("a.ipynb", b'{"cells": []}'),
    "text/css": ("a.css", b"a { color: red }"),
    "text/html": ("a.html", b"<!doctype html><p>hello"),
    "text/javascript": ("a.js", b"alert(1)"),
    "application/xml": ("a.xml", b"<?xml version='1.0'?><a/>"),
    "image/svg+xml": ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
}

# What is none of its type, for one reason or another.
BAD: dict[str, tuple[str, bytes]] = {
    "a page as a picture": ("image/png", b"<html><script>alert(1)</script>"),
    "a program as a document": ("application/pdf", b"MZ\x90\x00 %PDF-1.4"),
    "a zip as a document": (f"{OFFICE}.wordprocessingml.document", archive({"a.txt": b"hello"})),
    "a workbook as a document": (f"{OFFICE}.wordprocessingml.document", office("xl/workbook.xml")),
    "a jar as a document": (f"{OFFICE}.wordprocessingml.document", archive({"META-INF/MANIFEST.MF": b""})),
    "a document as an open one": (f"{OPEN}.text", office("word/document.xml")),
    "a spreadsheet as a text": (f"{OPEN}.text", open_document("spreadsheet")),
    "a program as text": ("text/plain", b"\x7fELF\x02\x01\x01\x00\x00"),
    "another code as text": ("text/plain", "नमस्ते".encode("utf-16")),
    "Latin-1 as text": ("text/csv", "naïve".encode("latin-1")),
    "text as data": ("application/json", b"hello"),
    "text as a drawing": ("image/svg+xml", b"<html></html>"),
    "Matroska as WebM": ("video/webm", WEBM.replace(b"\x84webm", b"\x88matroska")),
    "a film as a picture": ("image/heic", iso(b"isom")),
    "a picture as a film": ("video/mp4", iso(b"heic")),
    "noise as sound": ("audio/mpeg", b"\xff\xff\xff\xff"),
    "WAVE as WebP": ("image/webp", b"RIFF\x24\x00\x00\x00WAVE"),
}
