"""Pictures of images: upright, small enough, without what a camera wrote; and what is no image."""

from __future__ import annotations

import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from modules.files.renditions.pictures import draw
from modules.files.renditions.shapes import PAGE, SQUARE, THUMBNAIL, NotDrawable, Pictures
from tests.modules.files.renditions.images import bomb, image, opened, photograph

MOST = 40_000_000


def drawn(content: bytes, media_type: str = "image/jpeg") -> Pictures:
    return draw(content, media_type, (THUMBNAIL, PAGE), MOST)


def test_a_photograph_is_upright_and_says_nothing_of_where_it_was_made() -> None:
    content = photograph()
    assert b"Phone" in content
    pictures = drawn(content)
    assert (pictures.width, pictures.height) == (3000, 4000)
    thumbnail, page = pictures.made
    assert [one.name for one in pictures.made] == ["thumbnail", "page"]
    assert (opened(thumbnail.content).format, opened(thumbnail.content).size) == ("WEBP", (240, 320))
    assert (opened(page.content).format, opened(page.content).size) == ("JPEG", (1500, 2000))
    # Turned to the right, what was left is above.
    for one in pictures.made:
        plain = opened(one.content).convert("RGB")
        above, below = plain.getpixel((plain.width // 2, 10)), plain.getpixel((plain.width // 2, plain.height - 10))
        assert isinstance(above, tuple)
        assert isinstance(below, tuple)
        assert above[0] > 200 > below[0]
        assert not opened(one.content).getexif()
        assert b"Phone" not in one.content
        assert b"Exif" not in one.content


@pytest.mark.parametrize(
    ("format", "media_type", "mode"),
    [
        ("PNG", "image/png", "RGB"),
        ("PNG", "image/png", "RGBA"),
        ("PNG", "image/png", "P"),
        ("PNG", "image/png", "L"),
        ("PNG", "image/png", "I;16"),
        ("PNG", "image/png", "1"),
        ("JPEG", "image/jpeg", "CMYK"),
        ("JPEG", "image/jpeg", "L"),
        ("GIF", "image/gif", "P"),
        ("WEBP", "image/webp", "RGBA"),
    ],
)
def test_images_of_all_kinds(format: str, media_type: str, mode: str) -> None:
    made = Image.new("RGBA" if mode == "RGBA" else "RGB", (640, 480), "red").convert(mode)
    written = BytesIO()
    made.save(written, format)
    pictures = drawn(written.getvalue(), media_type)
    assert (pictures.width, pictures.height) == (640, 480)
    assert [opened(one.content).size for one in pictures.made] == [(320, 240), (640, 480)]


def test_what_is_transparent_is_paper_on_a_page() -> None:
    written = BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(written, "PNG")
    thumbnail, page = drawn(written.getvalue(), "image/png").made
    assert opened(page.content).convert("RGB").getpixel((5, 5)) == (255, 255, 255)
    assert opened(thumbnail.content).convert("RGBA").getpixel((5, 5)) in ((0, 0, 0, 0), (255, 255, 255, 0))


def test_a_square_is_cut_from_the_middle() -> None:
    (square,) = draw(image(600, 300), "image/png", (SQUARE,), MOST).made
    assert opened(square.content).size == (256, 256)
    (small,) = draw(image(100, 50), "image/png", (SQUARE,), MOST).made
    assert opened(small.content).size == (50, 50)


def test_an_iphone_s_photograph_is_read() -> None:
    # Red and blue as in `image`, 64 × 48 pixels, turned by its EXIF.
    content = (Path(__file__).parent / "photograph.heic").read_bytes()
    assert b"Phone" in content
    pictures = drawn(content, "image/heic")
    assert (pictures.width, pictures.height) == (48, 64)
    page = opened(pictures.made[1].content)
    above, below = page.getpixel((24, 5)), page.getpixel((24, 59))
    assert isinstance(above, tuple)
    assert isinstance(below, tuple)
    assert above[0] > 200 > below[0]
    assert not page.getexif()
    for broken in (content[:400], content[:40] + bytes(600)):
        with pytest.raises(NotDrawable):
            drawn(broken, "image/heic")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"", "image/png"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (image(64, 64)[:-40], "image/png"),
        (photograph(400, 300)[:2000], "image/jpeg"),
        # It is opened as what was checked, and as nothing else.
        (image(64, 64), "image/jpeg"),
        (image(64, 64, "TIFF"), "image/png"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "image/png"),
    ],
)
def test_what_is_no_image(content: bytes, media_type: str) -> None:
    with pytest.raises(NotDrawable):
        drawn(content, media_type)


def test_a_small_file_that_would_be_large_in_memory_is_not_decoded() -> None:
    tracemalloc.start()
    try:
        for side in (7_000, 50_000):
            with pytest.raises(NotDrawable):
                drawn(bomb(side), "image/png")
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_large_photograph_is_decoded_small() -> None:
    # 100 megapixels, which a phone makes: read at a quarter of its size.
    pictures = drawn(image(12_000, 8_400, "JPEG"))
    assert (pictures.width, pictures.height) == (12_000, 8_400)
    assert opened(pictures.made[1].content).size == (2000, 1400)
