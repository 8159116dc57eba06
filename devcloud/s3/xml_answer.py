"""Answers of S3 in XML."""

from __future__ import annotations

from typing import Final

from devcloud.wire import Response


def xml_answer(root: str, inner: str, *headers: tuple[str, str], status: int = 200) -> Response:
    """`inner` is escaped already."""
    body = f"{_DECLARATION}\n<{root}>{inner}</{root}>"
    return Response(status=status, headers=(("content-type", "application/xml"), *headers), body=body.encode())


_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
