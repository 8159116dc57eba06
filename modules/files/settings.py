"""The settings of files, `KSMP_FILES_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import Settings, replace, setting

# The bucket for uploads that the stand-in for AWS has from the start.
STAND_IN = "ksmp-uploads"


@dataclass(frozen=True, kw_only=True)
class FilesSettings:
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
    s3_timeout: float = setting(5.0, doc="How long a call to S3 may take")
    s3_failures: int = setting(10, doc="Failed calls to S3 in a row after which the gateway pauses")
    s3_pause: float = setting(2.0, doc="How long the gateway then makes no call to S3")


def with_bucket(settings: FilesSettings, core: Settings) -> FilesSettings:
    """The settings with the bucket that `auto` stands for."""
    if settings.bucket != "auto":
        return settings
    return replace(settings, bucket=STAND_IN if core.aws_endpoint else "")
