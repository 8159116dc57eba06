"""Which pictures are made of an image. It does not load Pillow, which takes a tenth of a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# The formats of Pillow as which an image of a type may be opened.
FORMATS: Final = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/heic": "HEIF",
    "image/heif": "HEIF",
}


@dataclass(frozen=True)
class Shape:
    """A picture to make: at most `side` pixels wide and high. A `square` one is cut from the middle."""

    name: str
    side: int
    format: str
    quality: int
    square: bool = False


# The side of a page leaves handwriting readable.
THUMBNAIL: Final = Shape("thumbnail", 320, "WEBP", 75)
PAGE: Final = Shape("page", 2000, "JPEG", 85)
SQUARE: Final = Shape("square", 256, "WEBP", 80, square=True)


@dataclass(frozen=True)
class Picture:
    """A picture that was made."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Pictures:
    """All that were made of an image. `width` and `height` are the image's own, in pixels, upright."""

    width: int
    height: int
    made: tuple[Picture, ...]


class NotDrawable(Exception):
    """No picture can be made of this image; the message says why."""
