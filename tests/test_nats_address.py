"""Addresses of NATS servers, with any user and password."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client

from gateway.nats_address import NatsAddress, split
from gateway.settings import Settings, SettingsError, environment, read
from tests.test_settings import REQUIRED

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nats://host", NatsAddress("nats://host:4222")),
        ("host:1", NatsAddress("nats://host:1")),
        ("tls://host:1/", NatsAddress("tls://host:1")),
        ("nats://[::1]", NatsAddress("nats://[::1]:4222")),
        ("nats://u:p@[fe80::1]:5", NatsAddress("nats://[fe80::1]:5", "u", "p")),
        ("nats://u:a%40b%25%2C:c@host", NatsAddress("nats://host:4222", "u", "a@b%,:c")),
        ("nats://u:50%@host", NatsAddress("nats://host:4222", "u", "50%")),
        ("nats://u:@host", NatsAddress("nats://host:4222", "u", "")),
        ("nats://t%2C@host", NatsAddress("nats://host:4222", token="t,")),
    ],
)
def test_an_address_is_read(text: str, expected: NatsAddress) -> None:
    assert NatsAddress.parse(text) == expected
    # nats-py takes it as it is.
    parsed = Client._parse_server_uri(expected.url)
    assert (parsed.username, parsed.password) == (None, None)


@pytest.mark.parametrize("text", ["http://host", "nats://", "nats://u:secret@", "nats://host:99999", "nats://host/x"])
def test_what_is_no_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="NATS server") as caught:
        NatsAddress.parse(text)
    assert "secret" not in str(caught.value)
    with pytest.raises(SettingsError, match="KSMP_NATS_URL has a bad value .hidden."):
        read(Settings, REQUIRED | {"KSMP_NATS_URL": text})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nats://a, nats://b ,", ["nats://a", "nats://b"]),
        ("a:1,b:2", ["a:1", "b:2"]),
        ("nats://u:p,w@a,nats://u:x,y@b", ["nats://u:p,w@a", "nats://u:x,y@b"]),
        ("nats://u:p,w@a:1,b:2", ["nats://u:p,w@a:1", "b:2"]),
        ("nats://u:p@a,v:q@b", ["nats://u:p@a", "v:q@b"]),
        ("nats://[::1]:1,nats://[::2]:2", ["nats://[::1]:1", "nats://[::2]:2"]),
        ("", []),
    ],
)
def test_a_list_is_taken_apart_at_the_commas_between_servers(text: str, expected: list[str]) -> None:
    assert split(text) == expected


@given(TEXT, TEXT)
def test_every_user_and_password_can_be_given(user: str, password: str) -> None:
    one = f"nats://{quote(user, ',')}:{quote(password, ',')}@host:4222"
    settings = read(Settings, REQUIRED | {"KSMP_NATS_URL": f"{one},nats://other:4222"})
    assert settings.nats_url == (one, "nats://other:4222")
    assert NatsAddress.parse(settings.nats_url[0]) == NatsAddress("nats://host:4222", user, password)
    assert read(Settings, environment(settings)) == settings
