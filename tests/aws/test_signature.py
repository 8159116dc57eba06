"""Access keys in settings: they sign the URLs of objects."""

from __future__ import annotations

import pytest

from gateway.aws.signature import AccessKey, access_key
from gateway.settings import SettingsError


@pytest.mark.parametrize("variable", ["KSMP_LIVE_RECORDING_SIGNER", "KSMP_FILES_SIGNER"])
def test_a_signer_is_not_shown(variable: str) -> None:
    assert access_key("", variable) is None
    assert access_key("AKIA:hunter2", variable) == AccessKey("AKIA", "hunter2")
    assert "hunter2" not in repr(access_key("AKIA:hunter2", variable))
    for bad in ("hunter2", "hunter2:", ":hunter2"):
        with pytest.raises(SettingsError, match=variable) as caught:
            access_key(bad, variable)
        assert "hunter2" not in str(caught.value)
