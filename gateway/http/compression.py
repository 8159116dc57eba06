"""Compresses responses with zstd (RFC 8878), or gzip for clients without it, through Litestar's middleware."""

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

# For event streams: each of their pieces must be sent at once.
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
    """The outermost middleware: idempotency stores answers uncompressed, and each caller gets its own encoding."""
    config = CompressionConfig(
        backend="zstd",
        minimum_size=least,
        # Level 9, Litestar's default, costs several times more for a few percent.
        gzip_compress_level=5,
        compression_facade=ZstdCompression,
        exclude_opt_key=EXCLUDED,
    )
    return DefineMiddleware(CompressionMiddleware, config=config)
