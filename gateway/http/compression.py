"""Responses in zstd (RFC 8878), or gzip for who does not take it, through Litestar's compression."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any, Final

from litestar.config.compression import CompressionConfig
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from litestar.middleware.compression.facade import CompressionFacade

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdCompressor
else:
    from backports.zstd import ZstdCompressor

# Event streams are written piece by piece, each of which must leave at once.
EXCLUDED: Final = "uncompressed"
LEVEL: Final = 3


class ZstdCompression(CompressionFacade):
    encoding = "zstd"

    def __init__(self, buffer: BytesIO, compression_encoding: Any, config: CompressionConfig) -> None:
        self._buffer = buffer
        self._compressor = ZstdCompressor(level=LEVEL)

    def write(self, body: bytes) -> None:
        self._buffer.write(self._compressor.compress(body, mode=ZstdCompressor.FLUSH_BLOCK))

    def close(self) -> None:
        self._buffer.write(self._compressor.flush())


def middleware(least: int) -> DefineMiddleware:
    """Stands outside of the other middlewares: an answer is kept as it is, and sent as this caller takes it."""
    config = CompressionConfig(
        backend="zstd",
        minimum_size=least,
        # Level 9, Litestar's default, costs several times more for a few percent.
        gzip_compress_level=5,
        compression_facade=ZstdCompression,
        exclude_opt_key=EXCLUDED,
    )
    return DefineMiddleware(CompressionMiddleware, config=config)
