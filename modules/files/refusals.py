"""Why a file was refused, in words for whoever uploaded it."""

from __future__ import annotations

from gateway.errors import Conflict
from modules.files.errors import rejected

SENTENCES = {
    "size": "its size is not the announced one",
    "checksum": "its bytes are not those that were announced",
    "signature": "what is in it is not what its name and type say",
    "archive": "it is broken, or not such a document",
    "macros": "it has macros, which are programs; save it without them",
    "picture": "its picture cannot be read, or is too large",
    "infected": "a scanner found something harmful in it",
    "unscannable": "it is too large for the scanner",
    "lost": "its bytes are not there any more",
}


def refused_for(reason: str) -> Conflict:
    return rejected(f"the file was refused: {SENTENCES.get(reason, reason)}")
