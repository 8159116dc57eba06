"""What other modules may ask of files, and how they say what their files are for.

A module that holds files contributes a `Purpose` for each use. Clients upload with `POST /api/v1/files`, which names
the purpose and its target (a room, a program, an assignment: the purpose's own word). The module then attaches the
stored file to a thing of its own, its *holder*, in the transaction that writes the thing. A file that nothing holds is
swept. Whoever reads a file asks `files`, which asks the purpose each time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from gateway.contract import Kernel
from gateway.principal import Principal
from modules.files.checks.media_types import (
    AUDIO_TYPES,
    DOCUMENT_TYPES,
    KNOWN_TYPES,
    PICTURE_TYPES,
    RUNNING_TYPES,
    TEXT_TYPES,
    VIDEO_TYPES,
)
from modules.files.states import FileState

__all__ = [
    "AUDIO_TYPES",
    "Admit",
    "Allowance",
    "DOCUMENT_TYPES",
    "FileFacts",
    "FileState",
    "Files",
    "KNOWN_TYPES",
    "MayRead",
    "PICTURE_TYPES",
    "Purpose",
    "RUNNING_TYPES",
    "ReadName",
    "Shown",
    "TEXT_TYPES",
    "VIDEO_TYPES",
    "of",
    "own_name",
]


class FileFacts(msgspec.Struct, frozen=True):
    """A file as siblings know it. `size` is in bytes; `sha256` is of all its bytes, in lower-case hex.

    `begun_at` is when its upload was allowed, `stored_at` when the object was checked; both by the server's clock.
    `width` and `height` are in pixels, of images, as they are shown. `renditions` are the pictures that were made of
    it, such as `thumbnail`. `holders` are the things that hold it.
    """

    id: str
    owner_id: str
    purpose: str
    target: str
    name: str
    type: str
    size: int
    sha256: str
    state: FileState
    begun_at: datetime
    stored_at: datetime | None
    width: int | None = None
    height: int | None = None
    renditions: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()


class Shown(msgspec.Struct, frozen=True):
    """A file inside of what others see: a message, a lesson, a submission.

    `thumbnail` says whether there is a small picture of it. Bytes are read by `GET /api/v1/files/{id}/url`.
    """

    id: str
    name: str
    type: str
    size: int
    state: FileState
    width: int | None = None
    height: int | None = None
    thumbnail: bool = False


class Allowance(msgspec.Struct, frozen=True):
    """What one upload may be. `types` are of `KNOWN_TYPES`; `quota` names what it counts in besides its owner.

    `quota` is like `program:<id>`; empty counts for the owner alone.
    """

    types: tuple[str, ...]
    most_bytes: int
    quota: str = ""


# (who, the target that they named) → what they may upload there. Raises Refused, and BadInput `not_found`.
Admit = Callable[[Principal, str], Awaitable[Allowance]]
# (who, the file) → whether they may read it now. It is not asked for the owner of a file that nothing holds.
MayRead = Callable[[Principal, FileFacts], Awaitable[bool]]
# (who, the file) → the name under which they see it; the owner's own by default.
ReadName = Callable[[Principal, FileFacts], Awaitable[str]]


async def own_name(principal: Principal, file: FileFacts) -> str:
    """The name that the owner gave: what `Purpose.read_name` is by default."""
    return file.name


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """A use of files, contributed by the module that holds them. `name` is `<module>.<what>`."""

    name: str
    admit: Admit
    may_read: MayRead
    read_name: ReadName = own_name
    # Whether small pictures are made of its images.
    thumbnails: bool = False
    # Whether a name must pass the filters. Homework is never refused for a word.
    names_filtered: bool = True
    # Whether the object of a file that was refused stays while something holds it: a scanner may be wrong.
    keeps_refused: bool = False


class Files(ABC):
    """The storage, for siblings. `of(kernel)` gives it once all modules are built."""

    @abstractmethod
    async def attach(
        self, holder: str, file_ids: Sequence[str], *, purpose: str, owner_id: str | None, field: str = "files"
    ) -> list[FileFacts]:
        """Have `holder` hold these files, in this order, in place of those it held; inside a transaction.

        `holder` is `<module>.<thing>:<id>`. Each file must be stored (`states.STORED`), of this purpose, and uploaded
        by this user; None takes anybody's, and a file that this holder holds already is taken whoever uploaded it.
        Files that it held and does not hold any more are swept when nothing else holds them. Raises BadInput `invalid`
        for the field: unknown, another's or of another purpose; Conflict `files.not_ready` for one that is not stored,
        or was rejected, unless this holder holds it already.
        """

    @abstractmethod
    async def share(self, source: str, holder: str, file_ids: Sequence[str]) -> None:
        """Have a new `holder` hold all that `source` holds, which are these files; inside a transaction. One statement.

        The caller sees to it that nobody changes meanwhile what `source` holds. Raises Conflict `files.not_ready` when
        one of them is not held by it, or was rejected.
        """

    @abstractmethod
    async def detach(self, holders: Collection[str]) -> None:
        """These hold nothing any more; inside a transaction. What nothing else holds is swept."""

    @abstractmethod
    async def held(self, holders: Collection[str]) -> dict[str, list[FileFacts]]:
        """The files of each of these holders, in their order; holders without files are left out. One query."""

    @abstractmethod
    async def facts(self, file_ids: Collection[str]) -> dict[str, FileFacts]:
        """These files, by id; unknown ones are left out. One query."""

    @abstractmethod
    async def verify(self, files: Collection[FileFacts]) -> None:
        """Check that the object of each file is in the bucket with its size, all at once; not inside a transaction.

        Raises Unavailable when S3 does not answer, and Conflict `files.lost` when an object is not there.
        """

    @abstractmethod
    def shown(self, file: FileFacts) -> Shown:
        """The file as it stands inside of what others see."""

    @abstractmethod
    async def read(self, file: FileFacts) -> bytes:
        """All bytes of a stored file that is not large. Raises Unavailable, and Conflict `files.lost`."""

    @abstractmethod
    def stream(self, file: FileFacts) -> AsyncGenerator[bytes]:
        """All bytes of a stored file in pieces. Whoever stops before the end closes it.

        Raises as `read`, Unavailable also in the middle.
        """


def of(kernel: Kernel) -> Files:
    """The storage of this gateway."""
    return kernel.contributed(Files)[0]  # type: ignore[type-abstract]
