"""Our signatures for S3 are those of botocore, for any key, time, life and credentials."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import botocore.session
import botocore.signers
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.aws.presigner import Presigner
from gateway.aws.signature import AccessKey, Signer

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


ADDRESSES = pytest.mark.parametrize(("addressing", "endpoint"), [("virtual", None), ("path", "http://127.0.0.1:5000")])
SESSIONS = pytest.mark.parametrize("session", [None, "FwoGZXIvYXdzEA+/=="])
AT = datetime(2026, 2, 2, tzinfo=UTC)


def at_that_time(call: Callable[[], Any]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        for module in (botocore.auth, botocore.signers):
            patch.setattr(module, "get_current_datetime", lambda remove_tzinfo=True: AT.replace(tzinfo=None))
        return call()


@SESSIONS
@ADDRESSES
def test_other_requests_are_signed_as_botocore_signs_them(
    addressing: str, endpoint: str | None, session: str | None
) -> None:
    key = AccessKey("AKIA", "s3cr3t", session)
    client = client_of(addressing, endpoint, key)

    def theirs(operation: str, **params: Any) -> str:
        params = {"Bucket": BUCKET, "Key": "files/a b/c", **params}
        url: str = at_that_time(lambda: client.generate_presigned_url(operation, Params=params, ExpiresIn=300))
        return url

    base = theirs("get_object", Key="k").partition("?")[0].removesuffix("k")
    ours = Presigner(base, REGION, key, AT, 300)
    disposition = "attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf"
    for made, wanted in (
        (
            ours.request("GET", "files/a b/c", {"response-content-disposition": disposition}),
            theirs("get_object", ResponseContentDisposition=disposition),
        ),
        (
            ours.request(
                "PUT",
                "files/a b/c",
                {"partNumber": "3", "uploadId": "a+b/c="},
                {"x-amz-checksum-sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="},
            ),
            theirs(
                "upload_part",
                PartNumber=3,
                UploadId="a+b/c=",
                ChecksumSHA256="n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
            ),
        ),
    ):
        one, other = urlsplit(made), urlsplit(wanted)
        assert (one.scheme, one.netloc, one.path) == (other.scheme, other.netloc, other.path)
        assert sorted(parse_qsl(one.query)) == sorted(parse_qsl(other.query))


@SESSIONS
@ADDRESSES
def test_a_form_is_that_of_botocore(addressing: str, endpoint: str | None, session: str | None) -> None:
    key = AccessKey("AKIA", "s3cr3t", session)
    client = client_of(addressing, endpoint, key)
    fields = {"Content-Type": "image/png", "x-amz-checksum-sha256": "n4bQ="}
    length = ["content-length-range", 5, 5]
    theirs = at_that_time(
        lambda: client.generate_presigned_post(
            BUCKET, "files/k", dict(fields), [*({name: value} for name, value in fields.items()), length], 300
        )
    )
    base = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "k"}).partition("?")[0]
    url, ours = Presigner(base.removesuffix("k"), REGION, key, AT, 300).form({"key": "files/k", **fields}, [length])
    assert url.rstrip("/") == theirs["url"].rstrip("/")
    assert ours.keys() == theirs["fields"].keys()

    def policy(of: dict[str, str]) -> Any:
        made = json.loads(base64.b64decode(of["policy"]))
        return made["expiration"], sorted(map(json.dumps, made["conditions"]))

    assert policy(ours) == policy(theirs["fields"])
    same = {name: value for name, value in ours.items() if name not in ("policy", "x-amz-signature")}
    assert same == {name: theirs["fields"][name] for name in same}
    # The signature is of the policy's text, in which theirs has the fields in another order.
    assert ours["x-amz-signature"] == Signer(key, REGION, AT).sign(ours["policy"])
    assert theirs["fields"]["x-amz-signature"] == Signer(key, REGION, AT).sign(theirs["fields"]["policy"])
