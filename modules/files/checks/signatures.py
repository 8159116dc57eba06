"""The first bytes of files, by type. Libraries that guess a type call every zip a Word document, and know no text."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Final

# Whether bytes from the beginning of a file are those of its type.
Looks = Callable[[bytes], bool]

# Brands of the ISO base media format, after `ftyp`. Phones and browsers write many for the same thing.
MP4_BRANDS: Final = frozenset(
    (
        *(b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso8", b"iso9", b"mp41", b"mp42", b"mp71", b"avc1"),
        *(b"M4A ", b"M4B ", b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"dash", b"mmp4", b"3gp4", b"3gp5", b"3gp6", b"3g2a"),
    )
)
HEIF_BRANDS: Final = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
# Films of QuickTime are older than brands.
QUICKTIME_BOXES: Final = frozenset((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))
# What no text has. A form feed and an escape may stand in a program's source.
NO_TEXT: Final = bytes({*range(0x20)} - {*b"\t\n\r\f\x1b"})


def begins(*beginnings: bytes) -> Looks:
    return lambda head: head.startswith(beginnings)


def riff(kind: bytes) -> Looks:
    return lambda head: head[:4] == b"RIFF" and head[8:12] == kind


def iso_media(brands: frozenset[bytes]) -> Looks:
    return lambda head: head[4:8] == b"ftyp" and head[8:12] in brands


def quicktime(head: bytes) -> bool:
    return head[4:12] == b"ftypqt  " or head[4:8] in QUICKTIME_BOXES


def webm(head: bytes) -> bool:
    """EBML whose document type, near its beginning, is WebM and not Matroska in general."""
    return head.startswith(b"\x1a\x45\xdf\xa3") and b"\x42\x82\x84webm" in head[:64]


def mp3(head: bytes) -> bool:
    """A tag, or the head of a frame of layer III with a bit rate and a sample rate that exist."""
    if head.startswith(b"ID3"):
        return True
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return False
    return head[2] >> 4 not in (0x0, 0xF) and head[2] & 0x0C != 0x0C


def open_document(media_type: str) -> Looks:
    """A zip whose first entry is `mimetype`, stored as it is."""
    wanted = b"mimetype" + media_type.encode()
    return lambda head: head.startswith(b"PK\x03\x04") and head[30:].startswith(wanted)


def text(head: bytes) -> bool:
    """UTF-8 without control characters; it may be cut within a character."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return head.translate(None, NO_TEXT) == head


def markup(*beginnings: bytes) -> Looks:
    """A text whose first bytes, after spaces and a byte order mark, are one of these, in any case."""
    return lambda head: text(head) and head.removeprefix(codecs.BOM_UTF8).lstrip().lower().startswith(beginnings)


def svg(head: bytes) -> bool:
    return text(head) and b"<svg" in head.lower()
