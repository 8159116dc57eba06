"""The settings of files, `KSMP_FILES_*`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.settings import Settings, SettingsError, replace, setting

# The bucket for uploads that the stand-in for AWS has from the start.
STAND_IN = "ksmp-uploads"
# How long what is signed for S3 may be good, in seconds; and the smallest part that it takes, but for the last.
LONGEST: Final = 7 * 24 * 3600
LEAST_PART: Final = 5 * 1024**2


@dataclass(frozen=True, kw_only=True)
class ScanSettings:
    """The scanner, and what happens to files while it is silent."""

    scanner: str = setting(
        "", doc="Where clamd listens, `host:port`; empty means that files are only compared with their checksum"
    )
    scan_fail_closed: bool = setting(
        True, doc="Whether a file waits in quarantine while the scanner is silent; else it passes after a time"
    )
    scan_patience: float = setting(900.0, doc="How long such a file waits for the scanner before it passes")
    scan_bytes: int = setting(
        100 * 1024**2, doc="Largest file that is sent to the scanner, no more than clamd's `StreamMaxLength`"
    )
    scan_pass_large: bool = setting(True, doc="Whether a larger file passes unscanned; else it is rejected")
    scan_timeout: float = setting(30.0, doc="How long the scanner may say nothing, or take no bytes")
    scan_at_once: int = setting(4, doc="Files that a gateway reads for the scanner at once")
    scan_first_wait: float = setting(5.0, doc="Time from a scan that failed to the next one; it doubles each time")
    scan_most_wait: float = setting(300.0, doc="The longest such time")
    scan_claim: float = setting(600.0, doc="How long a scan may take before another gateway begins it again")
    scan_interval: float = setting(5.0, doc="Time between two looks for files whose scan is due")
    scan_batch: int = setting(100, doc="Most files that one look takes")

    def __post_init__(self) -> None:
        host, _, port = self.scanner.rpartition(":")
        if self.scanner and not (host and port.isdecimal() and 0 < int(port) < 65_536):
            raise SettingsError(f"KSMP_FILES_SCANNER is {self.scanner!r}: it must be `host:port`.")


@dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """What is deleted by itself, and when."""

    sweep_interval: float = setting(60.0, doc="Time between two looks for files and objects that are to be deleted")
    sweep_batch: int = setting(100, doc="Most files that one look takes")
    sweep_claim: float = setting(300.0, doc="How long a gateway has for the files that it took")
    unfinished_kept: float = setting(
        600.0, doc="How long after its end an upload that was not completed may still be; then it is deleted"
    )
    unheld_kept: float = setting(86_400.0, doc="How long a file is kept that nothing holds")
    orphan_age: float = setting(
        172_800.0, doc="How old an object or an upload in parts must be that no file knows, before it is deleted"
    )
    orphan_interval: float = setting(21_600.0, doc="Time from one walk over the whole bucket to the next")
    orphan_most: int = setting(
        200, doc="More unknown objects than these among 1000 are left alone: the database may not be the bucket's"
    )


@dataclass(frozen=True, kw_only=True)
class FilesSettings(ScanSettings, SweepSettings):
    bucket: str = setting(
        "auto",
        doc="Bucket of S3 for what users upload; empty means that nothing is stored, and `auto` is that of the "
        "stand-in for AWS, `ksmp-uploads`, where `KSMP_AWS_ENDPOINT` is set, and else none",
    )
    upload_life: float = setting(3600.0, doc="How long an upload may take from its beginning to its completion")
    url_life: float = setting(300.0, doc="How long a signed URL of a file is good")
    user_quota: int = setting(2 * 1024**3, doc="Bytes that the files of one user may have")
    program_quota: int = setting(50 * 1024**3, doc="Bytes that the files of one program may have")
    multipart_bytes: int = setting(16 * 1024**2, doc="Size from which a file is uploaded in parts")
    part_bytes: int = setting(8 * 1024**2, doc="Size of such a part; S3 takes none under 5 MiB but the last")
    begin_rate_count: int = setting(60, doc="Uploads that a user may begin at once")
    begin_rate_seconds: float = setting(60.0, doc="Time in which as many may be begun again")
    origin: str = setting(
        "",
        doc="Another origin of the gateways, `https://host`, from which files are sent that a browser would run, such "
        "as SVG and HTML; empty refuses them in production, and in development means the other name of this machine",
        https=True,
    )
    origin_key: str = setting(
        "",
        doc="Secret of at least 32 characters that signs the URLs of that origin, the same for all gateways",
        secret=True,
    )
    image_pixels: int = setting(100_000_000, doc="Most pixels of an image; a larger one is rejected")
    rendition_bytes: int = setting(50 * 1024**2, doc="Size of an image, in bytes, beyond which no pictures are made")
    rendition_pixels: int = setting(
        40_000_000, doc="Pixels beyond which no pictures are made of an image; each takes 8 bytes of memory meanwhile"
    )
    avatar_bytes: int = setting(5 * 1024**2, doc="Size of an image for a profile, in bytes")
    signer: str = setting(
        "",
        doc="Access key, `id:secret`, that signs uploads and URLs of files; empty means the gateway's own, and what "
        "the keys of a role sign is good no longer than those",
        secret=True,
    )
    s3_timeout: float = setting(5.0, doc="How long a call to S3 may take")
    s3_failures: int = setting(10, doc="Failed calls to S3 in a row after which the gateway pauses")
    s3_pause: float = setting(2.0, doc="How long the gateway then makes no call to S3")

    def __post_init__(self) -> None:
        ScanSettings.__post_init__(self)
        for name in ("upload_life", "url_life"):
            if not 1 <= getattr(self, name) <= LONGEST:
                raise SettingsError(f"KSMP_FILES_{name.upper()} must be from 1 to {LONGEST} seconds, as S3 wants it.")
        if self.part_bytes < LEAST_PART:
            raise SettingsError(f"KSMP_FILES_PART_BYTES must be {LEAST_PART} or more: S3 takes no smaller parts.")
        if self.orphan_age <= 2 * self.upload_life:
            # An object may be there before the row of its file is.
            raise SettingsError("KSMP_FILES_ORPHAN_AGE must be more than twice KSMP_FILES_UPLOAD_LIFE.")


def with_bucket(settings: FilesSettings, core: Settings) -> FilesSettings:
    """The settings with the bucket that `auto` stands for."""
    if settings.bucket != "auto":
        return settings
    return replace(settings, bucket=STAND_IN if core.aws_endpoint else "")
