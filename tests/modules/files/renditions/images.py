"""Images as phones, screens and attackers make them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

ORIENTATION = 0x0112
GPS = 0x8825


def image(width: int, height: int, format: str = "PNG", mode: str = "RGB", **options: Any) -> bytes:
    """The left half is red, the right half is blue."""
    made = Image.new(mode, (width, height), "blue")
    made.paste(Image.new(mode, (width // 2, height), "red"), (0, 0))
    written = BytesIO()
    made.save(written, format, **options)
    return written.getvalue()


def photograph(width: int = 4000, height: int = 3000, orientation: int = 6) -> bytes:
    """A JPEG of a phone that was held upright: turned by its EXIF, with the place where it was made."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "Phone"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (IFDRational(12), IFDRational(58), IFDRational(17))
    return image(width, height, "JPEG", exif=exif.tobytes())


def bomb(side: int = 50_000) -> bytes:
    """A PNG of a few kilobytes that says it is very large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))
