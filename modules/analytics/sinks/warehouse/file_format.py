"""The formats of files: Parquet where pyarrow is installed, else packed lines of JSON. All of it blocks.

The same events give the same bytes. Each format leaves out people of a file that it wrote before.
"""

from __future__ import annotations

import gzip
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import ClassVar, Final

import msgspec

from modules.analytics.facade import OutgoingEvent
from modules.analytics.sinks import parquet
from modules.analytics.sinks.parquet import COLUMNS

LEVEL: Final = 5


class FileFormat(ABC):
    suffix: ClassVar[str]
    media_type: ClassVar[str]

    @abstractmethod
    def written(self, events: Sequence[OutgoingEvent]) -> bytes:
        """A file of these events."""

    @abstractmethod
    def without(self, content: bytes, people: Collection[str]) -> bytes:
        """The file without the events of these people; empty when nothing is left of it."""


class JsonLines(FileFormat):
    """One event a line, packed."""

    suffix = "jsonl.gz"
    media_type = "application/gzip"

    def written(self, events: Sequence[OutgoingEvent]) -> bytes:
        return _packed([msgspec.json.encode({name: getattr(event, name) for name in COLUMNS}) for event in events])

    def without(self, content: bytes, people: Collection[str]) -> bytes:
        lines = gzip.decompress(content).splitlines()
        left = [line for line in lines if msgspec.json.decode(line)["person"] not in people]
        return _packed(left) if left else b""


class Parquet(FileFormat):
    """Parquet, where pyarrow is installed."""

    suffix = "parquet"
    media_type = "application/vnd.apache.parquet"

    def written(self, events: Sequence[OutgoingEvent]) -> bytes:
        return parquet.written(events)

    def without(self, content: bytes, people: Collection[str]) -> bytes:
        return parquet.without(content, people)


FORMATS: Final[Sequence[FileFormat]] = (Parquet(), JsonLines())


def format_of(path: str) -> FileFormat:
    """The format of a file that was written before, by its name."""
    return next(one for one in FORMATS if path.endswith(f".{one.suffix}"))


def best_format() -> FileFormat:
    """Parquet where pyarrow is installed."""
    return Parquet() if importlib.util.find_spec("pyarrow") is not None else JsonLines()


def _packed(lines: Sequence[bytes]) -> bytes:
    # Without a time in its head. The best level takes almost twice as long, and saves one byte in a hundred.
    return gzip.compress(b"\n".join(lines) + b"\n", compresslevel=LEVEL, mtime=0)
