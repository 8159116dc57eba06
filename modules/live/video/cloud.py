"""What the video of sessions needs from outside: the clients of AWS, and the key that signs tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.aws.service import AwsConfig
from gateway.aws.signature import access_key
from gateway.circuit_breaker import CircuitBreaker
from gateway.settings import Settings
from modules.live.access.playback_tokens import PlaybackKey, playback_key
from modules.live.aws.ivs import Ivs
from modules.live.aws.s3 import S3
from modules.live.settings import LiveSettings

# What callers are told while the circuit breaker is open.
SILENT: Final = "the video service does not answer"


@dataclass(frozen=True)
class Cloud:
    ivs: Ivs
    s3: S3
    key: PlaybackKey


def cloud_of(settings: LiveSettings, core: Settings) -> Cloud | None:
    """Built without IO; None where sessions have no video. Raises SettingsError."""
    key = playback_key(settings, core)
    if key is None:
        return None
    aws = AwsConfig(core.aws_region, core.aws_endpoint, settings.video_timeout)
    ivs = Ivs(aws, CircuitBreaker(settings.video_failures, settings.video_pause, SILENT))
    signer = access_key(settings.recording_signer, "KSMP_LIVE_RECORDING_SIGNER")
    return Cloud(ivs, S3(aws, signer), key)
