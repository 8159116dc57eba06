"""Settings come from the environment alone; what is wrong there is named, what is secret is not shown."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import gateway
from gateway import registry
from gateway.settings import (
    Settings,
    SettingsError,
    check_unknown,
    environment,
    read,
    setting,
    table,
    variable,
)
from modules.chat.settings import ChatSettings

PAGE = Path(gateway.__file__).parent / "SETTINGS.md"
REQUIRED = {
    "KSMP_DATABASE_URL": "postgresql://ksmp:hunter2@db:5432/ksmp",
    "KSMP_NATS_URL": "nats://token@one:4222,nats://two:4222",
    "KSMP_ISSUER": "https://issuer",
    "KSMP_JWKS_URL": "https://issuer/jwks.json",
    "KSMP_CLIENT_IDS": "web,app",
}
# A value that is not the default, for each kind.
OTHER: dict[Any, tuple[str, Any]] = {
    str: ("something", "something"),
    int: ("3", 3),
    float: ("1.5", 1.5),
    tuple[str, ...]: (" a, b,,c ", ("a", "b", "c")),
}
SPECIAL: dict[str, tuple[str, Any]] = {
    "jwks_url": ("https://other/jwks.json", "https://other/jwks.json"),
    "aws_endpoint": ("https://aws.example", "https://aws.example"),
    "trusted_proxies": ("10.0.0.1, 10.1.0.0/16,,::1", ("10.0.0.1", "10.1.0.0/16", "::1")),
    "environment": ("test", "test"),
    "log_level": ("debug", "debug"),
    "log_format": ("console", "console"),
    "event_loop": ("asyncio", "asyncio"),
    "metrics_address": ("[::1]:9000", "[::1]:9000"),
    "outbound_hard_bytes": ("900000", 900_000),
}
HINTS = get_type_hints(Settings)
NAMES = [item.name for item in fields(Settings)]


def base() -> dict[str, str]:
    return REQUIRED | {"KSMP_ENVIRONMENT": "test"}


@pytest.mark.parametrize("name", NAMES)
def test_each_variable_is_read_and_typed(name: str) -> None:
    text, value = SPECIAL.get(name) or OTHER[HINTS[name]]
    settings = read(Settings, base() | {variable(name): text})
    assert getattr(settings, name) == value
    assert type(getattr(settings, name)) is type(value)


def test_what_is_not_set_has_its_default() -> None:
    settings = read(Settings, REQUIRED)
    for item in fields(Settings):
        if item.default is not MISSING:
            assert getattr(settings, item.name) == item.default
    assert settings.environment == "production"
    assert settings.client_ids == ("web", "app")


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_what_is_required_is_named_when_it_is_missing(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(Settings, {key: value for key, value in REQUIRED.items() if key != name})
    assert str(caught.value).startswith(f"{name} is not set: ")


BAD = {int: ["", "x", "1.5", "0x10"], float: ["", "x", "1,5"]}


@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for name in NAMES for text in BAD.get(HINTS[name], [])]
    + [("environment", "staging"), ("environment", ""), ("log_level", "INFO"), ("log_format", "xml")],
)
def test_a_bad_value_names_its_variable(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(Settings, base() | {variable(name): text})
    assert str(caught.value).startswith(variable(name))
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("connect_timeout", "nan"),
        ("ping_interval", "inf"),
        ("publish_timeout", "-1"),
        ("command_rate", "0"),
        ("message_bytes", "-5"),
        ("commands_in_flight", "0"),
        # Added to now it is no date: each request would fail, and not the start.
        ("retention", "1e15"),
        ("jwks_url", "idp.example/jwks"),
        ("jwks_url", "ftp://idp.example/jwks"),
        ("jwks_url", "https://name:password@idp.example/jwks"),
        ("jwks_url", "https://idp.example/#/jwks"),
        ("jwks_url", "https://[/jwks"),
    ],
)
def test_a_value_that_makes_no_sense_names_its_variable(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(Settings, base() | {variable(name): text})
    assert variable(name) in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"KSMP_DATABASE_POOL": "0"}, "KSMP_DATABASE_POOL"),
        ({"KSMP_COMMAND_BURST": "0"}, "KSMP_COMMAND_BURST"),
        ({"KSMP_ROOMS_PER_CONNECTION": "-1"}, "KSMP_ROOMS_PER_CONNECTION"),
        ({"KSMP_CONNECTIONS_PER_USER": "0"}, "KSMP_CONNECTIONS_PER_USER"),
        ({"KSMP_HISTORY_LIMIT": "0"}, "KSMP_HISTORY_LIMIT"),
        ({"KSMP_NATS_REPLICAS": "2"}, "KSMP_NATS_REPLICAS"),
        ({"KSMP_OUTBOUND_SOFT_BYTES": "9", "KSMP_OUTBOUND_HARD_BYTES": "8"}, "KSMP_OUTBOUND_HARD_BYTES"),
    ],
)
def test_what_cannot_work_is_refused(variables: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(Settings, base() | variables)
    assert named in str(caught.value)


PRODUCTION = REQUIRED | {
    "KSMP_LIVE_PUBLIC_URL": "https://live.example",
    "KSMP_PAYMENTS_KEY_ID": "rzp_live_1",
    "KSMP_PAYMENTS_KEY_SECRET": "hunter2",
    "KSMP_PAYMENTS_WEBHOOK_SECRETS": "hunter3",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KSMP_JWKS_URL", "http://issuer.example/jwks.json"),
        ("KSMP_JWKS_URL", "http://127.0.0.1:8000/jwks.json"),
        ("KSMP_JWKS_URL", ""),
        ("KSMP_AWS_ENDPOINT", "http://10.0.0.1:5000"),
        ("KSMP_ACCOUNTS_COGNITO_ENDPOINT", "http://10.0.0.1:5000"),
        ("KSMP_LIVE_PUBLIC_URL", "http://live.example"),
        ("KSMP_LIVE_PUBLIC_URL", ""),
        ("KSMP_PAYMENTS_RAZORPAY_URL", "http://10.0.0.1:5000"),
        ("KSMP_PAYMENTS_KEY_ID", ""),
        ("KSMP_PAYMENTS_KEY_SECRET", ""),
        ("KSMP_PAYMENTS_WEBHOOK_SECRETS", ""),
    ],
)
def test_production_takes_no_address_that_others_can_change_and_lacks_no_key(name: str, value: str) -> None:
    modules = registry.load()

    def check(environ: dict[str, str]) -> None:
        read(Settings, environ)
        registry.check_environment(modules, environ)

    check(PRODUCTION)
    for environ in (PRODUCTION, PRODUCTION | {"KSMP_ENVIRONMENT": "production"}):
        with pytest.raises(SettingsError, match=f"^{name} is "):
            check(environ | {name: value})


def test_production_without_payments_starts_and_says_so() -> None:
    modules = registry.load()
    said = registry.check_environment(modules, PRODUCTION)["payments"]
    assert said == "Razorpay at https://api.razorpay.com is called with the key rzp_live_1; 1 webhook secret(s)"
    environ = {name: value for name, value in PRODUCTION.items() if not name.startswith("KSMP_PAYMENTS_")}
    said = registry.check_environment(modules, environ)["payments"]
    assert said.startswith("no key of Razorpay is set, so nothing is sold")
    assert "KSMP_PAYMENTS_KEY_ID, KSMP_PAYMENTS_KEY_SECRET, KSMP_PAYMENTS_WEBHOOK_SECRETS" in said


def test_a_test_key_in_production_is_named() -> None:
    environ = PRODUCTION | {"KSMP_PAYMENTS_KEY_ID": "rzp_test_1"}
    assert "a test key that moves no money" in registry.check_environment(registry.load(), environ)["payments"]


@pytest.mark.parametrize("missing", ["KSMP_PAYMENTS_KEY_ID", "KSMP_PAYMENTS_KEY_SECRET"])
def test_half_a_key_is_refused_everywhere_and_webhooks_are_production_s(missing: str) -> None:
    modules = registry.load()
    environ = PRODUCTION | {"KSMP_ENVIRONMENT": "development", "KSMP_PAYMENTS_WEBHOOK_SECRETS": ""}
    assert registry.check_environment(modules, environ)["payments"].endswith("; no webhook secret")
    with pytest.raises(SettingsError, match=f"^{missing} is not set, and KSMP_PAYMENTS_KEY_"):
        registry.check_environment(modules, environ | {missing: ""})


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("http://127.0.0.1:8000/jwks.json", True),
        ("http://[::1]:8000/jwks.json", True),
        ("http://localhost:8000/jwks.json", True),
        ("http://192.0.2.7:8000/jwks.json", False),
        ("http://127.0.0.1.example/jwks.json", False),
        ("http://issuer.example/jwks.json", False),
        ("ftp://127.0.0.1/jwks.json", False),
        ("jwks.json", False),
    ],
)
def test_in_development_keys_may_come_from_this_machine_without_tls(value: str, good: bool) -> None:
    environ = base() | {"KSMP_JWKS_URL": value}
    if good:
        assert read(Settings, environ).jwks_url == value
    else:
        with pytest.raises(SettingsError, match=r"^KSMP_JWKS_URL (is .* must begin with|has .* must be like) https://"):
            read(Settings, environ)
    # One that listens at that address serves its own keys there.
    if "192.0.2.7" in value:
        assert read(Settings, environ | {"KSMP_HOST": "192.0.2.7"}).jwks_url == value


@pytest.mark.parametrize("value", ["*", "proxy.example", "10.0.0.1/8", "10.0.0"])
def test_only_addresses_and_networks_are_trusted(value: str) -> None:
    with pytest.raises(SettingsError, match="KSMP_TRUSTED_PROXIES has "):
        read(Settings, base() | {"KSMP_TRUSTED_PROXIES": f"10.0.0.0/8,{value}"})


@pytest.mark.parametrize("name", ["KSMP_DEVELOPMENT_ISSUER", "KSMP_FAILPOINTS"])
def test_production_refuses_what_is_for_development(name: str) -> None:
    for environ in (REQUIRED, REQUIRED | {"KSMP_ENVIRONMENT": "production"}):
        with pytest.raises(SettingsError) as caught:
            read(Settings, environ | {name: "x"})
        assert name in str(caught.value)
        assert not read(Settings, environ).development
    assert read(Settings, base() | {name: "x"}).development


def test_secrets_are_shown_nowhere() -> None:
    settings = read(Settings, REQUIRED)
    for secret in ("hunter2", "token@one"):
        assert secret not in repr(settings)
        assert secret not in str(settings)
        assert secret in str(environment(settings))
    secrets = {item.name for item in fields(Settings) if item.metadata["secret"]}
    assert secrets == {"database_url", "nats_url", "metrics_token"}


def test_a_secret_with_a_bad_value_is_not_in_the_error() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Pin:
        pin: int = setting(0, doc="A number", secret=True)

    with pytest.raises(SettingsError) as caught:
        read(Pin, {"KSMP_PIN": "hunter2"})
    assert str(caught.value).startswith("KSMP_PIN has a bad value (hidden)")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_unknown_variable_is_named() -> None:
    modules = registry.load()
    good = base() | {"KSMP_CHAT_TEXT_CHARACTERS": "10", "PATH": "/bin", "OTHER_KSMP_X": "1"}
    registry.check_environment(modules, good)
    for name in ("KSMP_PROT", "KSMP_CHAT_TEXT", "KSMP_", "KSMP_port"):
        with pytest.raises(SettingsError) as caught:
            registry.check_environment(modules, good | {name: "1"})
        assert str(caught.value).startswith(f"{name} is not a setting")


def test_a_variable_of_a_module_that_is_off_is_unknown() -> None:
    with pytest.raises(SettingsError):
        check_unknown({"KSMP_CHAT_TEXT_CHARACTERS": "10"}, [(Settings, "KSMP_")])


def test_what_is_handed_to_a_child_process_reads_back_the_same() -> None:
    overrides = {variable(name): (SPECIAL.get(name) or OTHER[HINTS[name]])[0] for name in NAMES}
    for environ in (REQUIRED, base(), REQUIRED | overrides):
        settings = read(Settings, environ)
        assert read(Settings, environment(settings)) == settings


def test_no_variable_of_a_module_is_also_the_kernel_s() -> None:
    kernel = {variable(name) for name in NAMES}
    for module in registry.load():
        if module.settings_type is not None:
            own = {variable(item.name, registry.settings_prefix(module)) for item in fields(module.settings_type)}
            assert not own & kernel


def page() -> str:
    """The page as it has to be."""
    parts = [PAGE.read_text().partition("\n| ")[0].rstrip("\n"), table(Settings)]
    for module in registry.load():
        if module.settings_type is not None:
            parts += [f"## {module.name}", table(module.settings_type, registry.settings_prefix(module))]
    return "\n\n".join(parts) + "\n"


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text() == page()
    assert re.match(r"# .+\n\n(?:.+\n\n)+\| variable \| default \| meaning \|\n", PAGE.read_text())


def test_the_table_has_every_setting() -> None:
    lines = table(ChatSettings, "KSMP_CHAT_").splitlines()
    assert lines[:3] == [
        "| variable | default | meaning |",
        "|---|---|---|",
        "| `KSMP_CHAT_TEXT_CHARACTERS` | 2000 | Longest chat message, in characters |",
    ]
    assert len(table(Settings).splitlines()) == 2 + len(NAMES)
    assert "| `KSMP_DATABASE_URL` | required |" in table(Settings)
    assert "| `KSMP_MODULES` | empty |" in table(Settings)
