"""The state of the stand-in: resources, live streams, stage sessions; kept in one file when it has a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from devcloud.document import Document
from devcloud.errors import not_found
from devcloud.names import kind

FILE = "ivs.json"


class Kept(msgspec.Struct, kw_only=True):
    """All of it; times are text, as on the wire.

    `resources` are by ARN, in the order in which they were made; `sessions` are the streams of a channel or the
    sessions of a stage, oldest first; `participants` are by stage session; `revoked` says up to which version the
    sessions of a channel's viewers are good no more; `used` are the playback tokens for one time, until they expire;
    `disconnected` are the participants that a stage lets in no more.
    """

    resources: dict[str, Document] = {}
    sessions: dict[str, list[Document]] = {}
    participants: dict[str, list[Document]] = {}
    revoked: dict[str, dict[str, int]] = {}
    used: dict[str, int] = {}
    disconnected: dict[str, list[str]] = {}
    metadata: dict[str, list[Document]] = {}


class Store:
    """The state, in memory; with a folder it is read at the start and written by `save`."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = folder / FILE if folder is not None else None
        self.kept = Kept()
        self._written = b""
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                self.kept = msgspec.json.decode(self._file.read_bytes(), type=Kept)

    def save(self) -> None:
        """Write all of it in one step, when it is other than what was written last."""
        if self._file is None:
            return
        now = msgspec.json.encode(self.kept)
        if now != self._written:
            fresh = self._file.with_suffix(".new")
            fresh.write_bytes(now)
            fresh.replace(self._file)
            self._written = now

    def clear(self) -> None:
        """Forget everything."""
        self.kept = Kept()
        self.save()

    def add(self, resource: Document) -> Document:
        """Keep a new resource under its ARN."""
        self.kept.resources[resource["arn"]] = resource
        return resource

    def get(self, arn: str) -> Document:
        """Raises Refused (ResourceNotFoundException)."""
        if arn not in self.kept.resources:
            raise not_found(arn)
        return self.kept.resources[arn]

    def remove(self, arn: str) -> Document:
        """Forget a resource. Raises Refused (ResourceNotFoundException)."""
        resource = self.get(arn)
        del self.kept.resources[arn]
        return resource

    def all(self, of: str, where: Callable[[Document], Any] = lambda resource: True) -> list[Document]:
        """Every resource of a kind that satisfies `where`, oldest first."""
        return list(self._each(of, where))

    def _each(self, of: str, where: Callable[[Document], Any]) -> Iterator[Document]:
        for arn, resource in self.kept.resources.items():
            if kind(arn) == of and where(resource):
                yield resource

    def sessions(self, arn: str) -> list[Document]:
        """The streams of a channel or the sessions of a stage, oldest first."""
        return self.kept.sessions.setdefault(arn, [])

    def running(self, arn: str) -> Document | None:
        """The stream or session that has not ended."""
        sessions = self.kept.sessions.get(arn)
        return sessions[-1] if sessions and "endTime" not in sessions[-1] else None
