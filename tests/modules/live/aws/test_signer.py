"""The access key that signs the URLs of recordings."""

from __future__ import annotations

import pytest

from gateway.aws.signature import AccessKey
from gateway.settings import SettingsError
from modules.live.aws.s3 import access_key


def test_a_signer_is_not_shown() -> None:
    assert access_key("") is None
    assert access_key("AKIA:hunter2") == AccessKey("AKIA", "hunter2")
    assert "hunter2" not in repr(access_key("AKIA:hunter2"))
    for bad in ("hunter2", "hunter2:", ":hunter2"):
        with pytest.raises(SettingsError, match="KSMP_LIVE_RECORDING_SIGNER") as caught:
            access_key(bad)
        assert "hunter2" not in str(caught.value)
