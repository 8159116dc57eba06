"""Makes pictures of an image, in a thread: a pure function from bytes to bytes. Only this file knows Pillow.

An image is hostile until it is shown otherwise. It is opened as the type that was checked, and as nothing else. Its
size is known before its pixels are read. A JPEG of a large sensor is decoded at a fraction of its size.
"""

from __future__ import annotations

import contextlib
from io import BytesIO
from typing import Final

import pi_heif  # type: ignore[import-untyped]
from PIL import Image, ImageCms, ImageOps

from modules.files.renditions.shapes import FORMATS, NotDrawable, Picture, Pictures, Shape

# They are read when an image is opened, and asked nothing else of.
pi_heif.register_heif_opener(thumbnails=False)
# Pillow's own limit does not know that a JPEG is decoded small. `draw` has one of what is decoded.
Image.MAX_IMAGE_PIXELS = None

SRGB: Final = ImageCms.createProfile("sRGB")
WHITE: Final = (255, 255, 255)


def draw(content: bytes, media_type: str, shapes: tuple[Shape, ...], most_pixels: int) -> Pictures:
    """Make pictures of these shapes. Raises NotDrawable.

    It may take seconds and some bytes for each of `most_pixels`.
    """
    try:
        with Image.open(BytesIO(content), formats=[FORMATS[media_type]]) as image:
            return _drawn(image, shapes, most_pixels)
    except NotDrawable:
        raise
    except Exception as error:
        # Decoders raise whatever they meet, from OSError to struct.error.
        raise NotDrawable(f"{type(error).__name__}: {error}"[:200]) from error


def _drawn(image: Image.Image, shapes: tuple[Shape, ...], most_pixels: int) -> Pictures:
    width, height = image.size
    # Decodes a JPEG at a fraction of its size, if that is still enough; other formats are not affected.
    most = max(shape.side * 2 if shape.square else shape.side for shape in shapes)
    image.draft("RGB", (most, most))
    if image.size[0] * image.size[1] > most_pixels:
        raise NotDrawable(f"{width} × {height} pixels are more than are decoded")
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    # A phone's orientation turns the two.
    if (upright.width > upright.height) is not (width > height):
        width, height = height, width
    plain = _plain(upright, profile)
    return Pictures(width, height, tuple(_picture(plain, shape) for shape in shapes))


def _plain(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The pixels in sRGB, with nothing transparent only where there was nothing."""
    if image.mode in ("P", "PA", "LA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode != "RGB":
        image = image.convert("RGB")
    if profile:
        # A profile that cannot be read changes colours a little.
        with contextlib.suppress(Exception):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            turned = ImageCms.profileToProfile(image, source, SRGB, outputMode=image.mode)
            image = turned if turned is not None else image
    return image


def _picture(image: Image.Image, shape: Shape) -> Picture:
    if shape.square:
        side = min(shape.side, *image.size)
        small = ImageOps.fit(image, (side, side))
    else:
        small = image.copy()
        small.thumbnail((shape.side, shape.side))
    if shape.format == "JPEG" and small.mode == "RGBA":
        paper = Image.new("RGB", small.size, WHITE)
        paper.paste(small, mask=small.getchannel("A"))
        small = paper
    # What is not named here is not written: no EXIF, no place, no text, no other frame.
    bare = Image.frombytes(small.mode, small.size, small.tobytes())
    written = BytesIO()
    bare.save(written, shape.format, quality=shape.quality)
    return Picture(shape.name, written.getvalue())
