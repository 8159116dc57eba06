"""The table of the types that can be stored: how each begins, what a zip must hold, and what may be shown in a page.

A type that is not here is refused, whatever a purpose allows: nobody could check it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from modules.files.checks import signatures
from modules.files.checks.signatures import Looks, begins, iso_media, markup, open_document, riff

KIB: Final = 1024
# Bytes that are looked at from the beginning. Those of a picture reach its size behind what a camera writes first.
SHORT: Final = 4 * KIB
PICTURE: Final = 512 * KIB

HEIF: Final = "image/heic"
# A longer text is checked up to here.
TEXT: Final = 1024 * KIB


@dataclass(frozen=True, kw_only=True)
class MediaType:
    """`endings` are those of file names; a file gets the first one when it has none of them."""

    name: str
    endings: tuple[str, ...]
    looks: Looks
    head: int = SHORT
    # A zip has, for each of these, an entry whose name begins so; None is no zip.
    entries: tuple[str, ...] | None = None
    # Whether its size in pixels is read.
    picture: bool = False
    # Whether a page may show it: it runs nothing there.
    inline: bool = False
    # Whether a browser would run what is in it.
    runs: bool = False


OFFICE: Final = "application/vnd.openxmlformats-officedocument"
OPEN: Final = "application/vnd.oasis.opendocument"
ZIP: Final = begins(b"PK\x03\x04")
# A browser that records sound may call it a film.
MP4: Final = iso_media(signatures.MP4_BRANDS)


def _picture(name: str, endings: tuple[str, ...], looks: Looks, *, inline: bool = True) -> MediaType:
    return MediaType(name=name, endings=endings, looks=looks, head=PICTURE, picture=True, inline=inline)


def _media(name: str, endings: tuple[str, ...], looks: Looks) -> MediaType:
    return MediaType(name=name, endings=endings, looks=looks, inline=True)


def _office(kind: str, ending: str, part: str) -> MediaType:
    name = f"{OFFICE}.{kind}"
    return MediaType(name=name, endings=(ending,), looks=ZIP, entries=("[Content_Types].xml", part))


def _open(kind: str, ending: str) -> MediaType:
    name = f"{OPEN}.{kind}"
    return MediaType(name=name, endings=(ending,), looks=open_document(name), entries=("content.xml",))


def _text(name: str, *endings: str, looks: Looks = signatures.text, runs: bool = False) -> MediaType:
    return MediaType(name=name, endings=endings, looks=looks, head=TEXT, runs=runs)


TABLE: Final = (
    MediaType(name="application/pdf", endings=(".pdf",), looks=begins(b"%PDF-"), inline=True),
    _picture("image/png", (".png",), begins(b"\x89PNG\r\n\x1a\n")),
    _picture("image/jpeg", (".jpg", ".jpeg", ".jfif"), begins(b"\xff\xd8\xff")),
    _picture("image/gif", (".gif",), begins(b"GIF87a", b"GIF89a")),
    _picture("image/webp", (".webp",), riff(b"WEBP")),
    _picture(HEIF, (".heic", ".heif"), iso_media(signatures.HEIF_BRANDS), inline=False),
    _media("video/mp4", (".mp4", ".m4v"), MP4),
    _media("video/webm", (".webm",), signatures.webm),
    _media("video/quicktime", (".mov", ".qt"), signatures.quicktime),
    _media("audio/mpeg", (".mp3",), signatures.mp3),
    _media("audio/mp4", (".m4a", ".mp4", ".m4b"), MP4),
    _media("audio/webm", (".webm", ".weba"), signatures.webm),
    _media("audio/ogg", (".ogg", ".oga", ".opus"), begins(b"OggS")),
    _media("audio/wav", (".wav",), riff(b"WAVE")),
    MediaType(name="application/zip", endings=(".zip",), looks=begins(b"PK\x03\x04", b"PK\x05\x06"), entries=()),
    _office("wordprocessingml.document", ".docx", "word/document"),
    _office("spreadsheetml.sheet", ".xlsx", "xl/workbook"),
    _office("presentationml.presentation", ".pptx", "ppt/presentation"),
    _open("text", ".odt"),
    _open("spreadsheet", ".ods"),
    _open("presentation", ".odp"),
    _text("text/plain", ".txt", ".text", ".log", ".md", ".csv", ".py", ".java", ".c", ".h", ".cpp", ".sql", ".tex"),
    _text("text/markdown", ".md", ".markdown"),
    _text("text/csv", ".csv"),
    _text("text/x-python", ".py"),
    _text("text/x-java-source", ".java"),
    _text("text/x-c", ".c", ".h", ".cc", ".cpp", ".hpp"),
    _text("application/sql", ".sql"),
    _text("application/x-tex", ".tex"),
    _text("application/json", ".json", ".ipynb", looks=markup(b"{", b"[")),
    _text("application/x-ipynb+json", ".ipynb", looks=markup(b"{")),
    _text("text/css", ".css"),
    _text("text/html", ".html", ".htm", runs=True),
    _text("text/javascript", ".js", ".mjs", ".ts", runs=True),
    _text("application/xml", ".xml", looks=markup(b"<"), runs=True),
    _text("image/svg+xml", ".svg", looks=signatures.svg, runs=True),
)
TYPES: Final = {one.name: one for one in TABLE}

# For those who say what may be uploaded for a purpose.
KNOWN_TYPES: Final = tuple(TYPES)
RUNNING_TYPES: Final = tuple(one.name for one in TABLE if one.runs)
PICTURE_TYPES: Final = tuple(one.name for one in TABLE if one.picture)
VIDEO_TYPES: Final = tuple(name for name in TYPES if name.startswith("video/"))
AUDIO_TYPES: Final = tuple(name for name in TYPES if name.startswith("audio/"))
TEXT_TYPES: Final = tuple(one.name for one in TABLE if one.head == TEXT and not one.runs)
DOCUMENT_TYPES: Final = ("application/pdf", *(name for name in TYPES if name.startswith((OFFICE, OPEN))))

# What browsers and systems call the same thing.
OTHER_NAMES: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/heif": "image/heic",
    "image/heic-sequence": "image/heic",
    "image/heif-sequence": "image/heic",
    "audio/mp3": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "video/x-m4v": "video/mp4",
    "application/x-zip": "application/zip",
    "application/x-zip-compressed": "application/zip",
    "application/x-pdf": "application/pdf",
    "application/javascript": "text/javascript",
    "application/x-javascript": "text/javascript",
    "application/xhtml+xml": "text/html",
    "text/xml": "application/xml",
    "text/x-markdown": "text/markdown",
    "text/x-python-script": "text/x-python",
    "application/csv": "text/csv",
    "text/x-csrc": "text/x-c",
    "text/x-c++src": "text/x-c",
    "text/x-java": "text/x-java-source",
}
# The type of a name, for browsers that do not know one: they say nothing of a HEIC, and Windows calls a CSV a workbook.
UNSAID: Final = frozenset(("", "application/octet-stream", "application/vnd.ms-excel"))


def _by_ending() -> dict[str, MediaType]:
    """The type of each ending: one of which it is the first, or else the first that has it."""
    found: dict[str, MediaType] = {}
    for place in (slice(0, 1), slice(1, None)):
        for one in TABLE:
            for ending in one.endings[place]:
                found.setdefault(ending, one)
    return found


BY_ENDING: Final = _by_ending()


def media_type_of(said: str, name: str, allowed: Collection[str] = TYPES) -> MediaType | None:
    """The type that a client says, or else that of the name's ending; None for one that is not allowed.

    A client cannot know all types: it may call a program's source a text, and recorded sound a film. So a type whose
    bytes look the same is taken, when that is allowed and has the ending.
    """
    said, ending = said.partition(";")[0].strip().lower(), ending_of(name)
    allowed = {canonical(one) for one in allowed}
    kind = BY_ENDING.get(ending) if said in UNSAID else TYPES.get(canonical(said))
    if kind is None or kind.name in allowed:
        return kind
    for other in TABLE:
        if other.name in allowed and other.looks is kind.looks and ending in other.endings:
            return other
    return None


def canonical(name: str) -> str:
    """The name under which the table has a type."""
    return OTHER_NAMES.get(name, name)


def ending_of(name: str) -> str:
    """The ending of a file's name in lower case, with its dot; empty when it has none."""
    before, dot, after = name.rpartition(".")
    return f".{after.lower()}" if dot and before and after else ""
