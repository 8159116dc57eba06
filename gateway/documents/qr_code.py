"""A QR code as a drawing: the only file that imports segno."""

from __future__ import annotations

import io


def qr_svg(text: str) -> str:
    """SVG with the quiet zone around the code that the standard asks for. A quarter of it may be unreadable."""
    # Only here: it takes a tenth of a second.
    import segno  # noqa: PLC0415

    drawing = io.BytesIO()
    segno.make(text, error="q", micro=False, boost_error=False).save(drawing, kind="svg", xmldecl=False, border=4)
    return drawing.getvalue().decode()
