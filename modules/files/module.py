"""What the files module consists of."""

from __future__ import annotations

from pathlib import Path

from gateway.contract import Module
from modules.files import errors
from modules.files.events import EVENTS
from modules.files.settings import FilesSettings


class FilesModule(Module):
    """Files in S3 that other modules share: uploaded straight to the bucket, checked, and read by those who may."""

    name = "files"
    requires = ("accounts",)
    settings_type = FilesSettings
    emits = EVENTS
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES
