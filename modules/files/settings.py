"""The settings of files, `KSMP_FILES_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class FilesSettings:
    bucket: str = setting(
        "auto", doc="Bucket of what users upload; `auto` is the stand-in's in development, and none elsewhere"
    )
    upload_life: float = setting(3600.0, doc="How long an upload may take from its beginning to its completion")
    url_life: float = setting(300.0, doc="How long a signed URL of a file is good")
    user_quota: int = setting(2 * 1024**3, doc="Bytes that the files of one user may have")
    program_quota: int = setting(50 * 1024**3, doc="Bytes that the files of one program may have")
    multipart_bytes: int = setting(16 * 1024**2, doc="Size from which a file is uploaded in parts")
    part_bytes: int = setting(8 * 1024**2, doc="Size of such a part; S3 takes none under 5 MiB but the last")
