"""Our signatures of S3 reads are those of botocore, for any key, time, life and credentials."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import botocore.session
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.settings import SettingsError
from modules.live.aws.presigner import AccessKey, Presigner
from modules.live.aws.s3 import access_key

BUCKET = "ksmp-recordings"
REGION = "ap-south-1"
RECORDING = "ivs/v1/123456789012/AbCdEfGhIjKl/2026/2/2/12/30/r1/media/hls/720p30/0.ts"
# All that XML, and so S3, takes.
OBJECT_KEYS = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=60)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))


def client_of(addressing: str, endpoint: str | None, key: AccessKey) -> Any:
    session = botocore.session.Session()
    session.set_credentials(key.id, key.secret, key.session)
    config = Config(signature_version="s3v4", s3={"addressing_style": addressing})
    return session.create_client("s3", region_name=REGION, endpoint_url=endpoint, config=config)


@pytest.mark.parametrize("session", [None, "FwoGZXIvYXdzEA+/=="])
@pytest.mark.parametrize(("addressing", "endpoint"), [("virtual", None), ("path", "http://127.0.0.1:5000")])
def test_what_is_signed_is_as_botocore_signs_it(addressing: str, endpoint: str | None, session: str | None) -> None:
    key = AccessKey("AKIA", "s3cr3t", session)
    client = client_of(addressing, endpoint, key)

    def theirs(object_key: str, at: datetime, seconds: int) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: at.replace(tzinfo=None))
            params = {"Bucket": BUCKET, "Key": object_key}
            url: str = client.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)
            return url

    base = theirs("k", datetime(2026, 2, 2, tzinfo=UTC), 60).partition("?")[0].removesuffix("k")

    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @example(object_key=RECORDING, at=datetime(2026, 2, 2, tzinfo=UTC), seconds=3600)
    @example(object_key="a b/ä+~'(1)*.ts", at=datetime(2026, 2, 2, tzinfo=UTC), seconds=3600)
    @given(object_key=OBJECT_KEYS, at=TIMES, seconds=st.integers(1, 604_800))
    def compare(object_key: str, at: datetime, seconds: int) -> None:
        ours = urlsplit(Presigner(base, REGION, key, at, seconds).url(object_key))
        wanted = urlsplit(theirs(object_key, at, seconds))
        assert (ours.scheme, ours.netloc, ours.path) == (wanted.scheme, wanted.netloc, wanted.path)
        assert sorted(parse_qsl(ours.query)) == sorted(parse_qsl(wanted.query))

    compare()


def test_a_signer_is_not_shown() -> None:
    assert access_key("") is None
    assert access_key("AKIA:hunter2") == AccessKey("AKIA", "hunter2")
    assert "hunter2" not in repr(access_key("AKIA:hunter2"))
    for bad in ("hunter2", "hunter2:", ":hunter2"):
        with pytest.raises(SettingsError, match="KSMP_LIVE_RECORDING_SIGNER") as caught:
            access_key(bad)
        assert "hunter2" not in str(caught.value)
