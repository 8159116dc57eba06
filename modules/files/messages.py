"""What the routes of files take and answer, and the push of a file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from gateway.contract import PushType
from gateway.text import LINE, Texts
from modules.files.records import THUMBNAIL, FileRecord
from modules.files.states import FileState

# The `$` of a pattern lets a line feed pass at the end.
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64, description="SHA-256 in lower-case hex")]
# S3 takes no more parts.
MOST_PARTS: Final = 10_000
PartNumber = Annotated[int, Meta(ge=1, le=MOST_PARTS)]
# A hundred URLs are signed in a few milliseconds.
PARTS_AT_ONCE: Final = 100

FILE_ID: Final = "01a2130d-48bf-7174-b972-596a06fb2360"
AT: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)
CHECKSUM: Final = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class NewFile(Texts, frozen=True):
    """`purpose` says what the file is for, and `target` the thing that it is for, in the purpose's own word.

    `name` is cleaned: what stands before a path separator goes, and an ending that does not fit the type gets one
    that does. `type` is a media type; empty means that the name's ending says it. `size` is in bytes.
    """

    purpose: Annotated[str, Meta(pattern="^[a-z_]{1,40}[.][a-z_]{1,40}$")]
    target: Annotated[str, Meta(max_length=200, pattern="^[A-Za-z0-9_:./-]*$")]
    name: Annotated[str, Meta(min_length=1, max_length=255), LINE]
    size: Annotated[int, Meta(ge=1, le=5 * 1024**4)]
    sha256: Sha256
    type: Annotated[str, Meta(max_length=127, pattern="^([A-Za-z]+/[A-Za-z0-9.+-]+ *(;[ -~]*)?)?$")] = ""

    @classmethod
    def example(cls) -> NewFile:
        return cls("chat.attachment", "session:01a2130d-48bf-7174-b972-596a06fb2346", "notes.pdf", 48_211, EMPTY)


class OwnFile(msgspec.Struct, frozen=True):
    """What only the owner of a file sees of it. `reason` is a stable word when it was rejected."""

    purpose: str
    target: str
    sha256: str
    reason: str
    begun_at: datetime
    expires_at: datetime
    stored_at: datetime | None


class FileView(msgspec.Struct, frozen=True):
    """A file. `width` and `height` are in pixels; `thumbnail` says whether there is a small picture of it.

    `own` is for its owner alone, and null for everybody else.
    """

    id: str
    name: str
    type: str
    size: int
    state: FileState
    rev: int
    width: int | None = None
    height: int | None = None
    thumbnail: bool = False
    own: OwnFile | None = None

    @classmethod
    def example(cls) -> FileView:
        return cls(
            FILE_ID,
            "notes.pdf",
            "application/pdf",
            48_211,
            FileState.PENDING,
            1,
            own=OwnFile("chat.attachment", "session:01a2130d-48bf-7174-b972-596a06fb2346", EMPTY, "", AT, AT, None),
        )


class Upload(msgspec.Struct, frozen=True):
    """How the bytes get into the bucket, until `expires_at`.

    `form`: POST `multipart/form-data` to `url`, with `fields` in this order, and then the bytes as `file`.
    `parts`: `parts` parts of `part_bytes` bytes, the last one with the rest; `POST …/parts` gives their URLs.
    """

    method: Literal["form", "parts"]
    expires_at: datetime
    url: str = ""
    fields: dict[str, str] = {}
    part_bytes: int = 0
    parts: int = 0


class BegunFile(msgspec.Struct, frozen=True):
    """A file that may be uploaded now."""

    file: FileView
    upload: Upload

    @classmethod
    def example(cls) -> BegunFile:
        fields = {"key": f"files/{FILE_ID}/0a1b", "x-amz-checksum-sha256": CHECKSUM}
        return cls(FileView.example(), Upload("form", AT, "https://bucket.s3.ap-south-1.amazonaws.com", fields))


class PartToSend(msgspec.Struct, frozen=True):
    number: PartNumber
    sha256: Sha256


class PartsToSend(msgspec.Struct, frozen=True):
    """Parts that are about to be sent, each with the SHA-256 of its bytes."""

    parts: Annotated[list[PartToSend], Meta(min_length=1, max_length=PARTS_AT_ONCE)]

    @classmethod
    def example(cls) -> PartsToSend:
        return cls([PartToSend(1, EMPTY)])


class PartUrl(msgspec.Struct, frozen=True):
    """PUT the part's bytes to `url`, with these headers."""

    number: int
    url: str
    headers: dict[str, str]


class PartUrls(msgspec.Struct, frozen=True):
    parts: list[PartUrl]
    expires_at: datetime

    @classmethod
    def example(cls) -> PartUrls:
        url = f"https://bucket.s3.ap-south-1.amazonaws.com/files/{FILE_ID}/0a1b?partNumber=1"
        return cls([PartUrl(1, url, {"x-amz-checksum-sha256": CHECKSUM})], AT)


class PartState(msgspec.Struct, frozen=True):
    """A part that has arrived."""

    number: int
    size: int
    sha256: str


class PartsState(msgspec.Struct, frozen=True):
    """Of an upload in parts: how many there are, and which ones have arrived. The others are to be sent."""

    part_bytes: int
    parts: int
    stored: list[PartState]

    @classmethod
    def example(cls) -> PartsState:
        return cls(8 * 1024**2, 3, [PartState(1, 8 * 1024**2, EMPTY)])


class FileUrl(msgspec.Struct, frozen=True):
    """Where the bytes can be read until `expires_at`, by whoever has the URL."""

    url: str
    expires_at: datetime

    @classmethod
    def example(cls) -> FileUrl:
        return cls(f"https://bucket.s3.ap-south-1.amazonaws.com/files/{FILE_ID}/0a1b?X-Amz-Signature=…", AT)


# To `user:<owner>`: the whole file, whenever its state changes.
FILE: Final = PushType("files.file", FileView)


def file_view(file: FileRecord) -> FileView:
    """The file as its owner sees it."""
    own = OwnFile(file.purpose, file.target, file.sha256, file.reason, file.begun_at, file.expires_at, file.stored_at)
    return _view(file, file.name, own)


def read_view(file: FileRecord, name: str) -> FileView:
    """The file as another reader sees it, under the name that the purpose says."""
    return _view(file, name, None)


def _view(file: FileRecord, name: str, own: OwnFile | None) -> FileView:
    return FileView(
        file.id,
        name,
        file.type,
        file.size,
        file.state,
        file.rev,
        file.width,
        file.height,
        THUMBNAIL in file.renditions,
        own,
    )
