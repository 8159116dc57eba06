"""A zip archive that is written piece by piece: each call gives the bytes that can be sent now. No IO.

The directory of a zip stands at its end. So an archive that breaks off opens nowhere as a whole one. All is compressed
a little: a piece that is stored as it is, with its length behind it, is read by few programs.
"""

from __future__ import annotations

import zipfile
from datetime import datetime
from typing import IO, Any, Final

# Most of what is handed in is compressed by its own format, so more work would save nothing.
LEVEL: Final = 1
# A regular file that its owner reads and writes, for Unix.
MODE: Final = 0o100644 << 16


class _Sent:
    """A file that cannot seek, so the archive is written in one go."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None: ...

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


class ZipWriter:
    """Entries one after the other: `begin`, `write` as often as there is something, `end`; at last `finish`."""

    def __init__(self) -> None:
        self._sent = _Sent()
        sink: Any = self._sent
        self._zip = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
        self._entry: IO[bytes] | None = None

    def begin(self, path: str, wall_time: datetime) -> bytes:
        """`path` has safe names, with slashes between them. `wall_time` is what a clock shows: a zip knows no zones."""
        info = zipfile.ZipInfo(path, max(wall_time.timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = MODE
        # How long it will be is not known here, so there is always room for the length of a large one.
        self._entry = self._zip.open(info, "w", force_zip64=True)
        return self._sent.taken()

    def write(self, piece: bytes) -> bytes:
        """Compresses, so a large piece belongs into a thread."""
        if self._entry is None:
            raise RuntimeError("no entry was begun")
        self._entry.write(piece)
        return self._sent.taken()

    def end(self) -> bytes:
        if self._entry is not None:
            self._entry.close()
            self._entry = None
        return self._sent.taken()

    def finish(self) -> bytes:
        """The directory, without which it is no archive."""
        self._zip.close()
        return self._sent.taken()
