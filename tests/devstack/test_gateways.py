"""The settings of the gateways that `ksmp dev` starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from devcloud.mixpanel import project
from devstack import gateways, razorpay, surroundings
from gateway.settings import Settings, SettingsError, read
from modules.analytics.settings import AnalyticsSettings
from modules.payments.settings import PaymentsSettings

PREFIX = "KSMP_PAYMENTS_"


STAND_IN = "http://127.0.0.1:5"


def variables(aws_endpoint: str = "", **environ: str) -> dict[str, str]:
    return gateways.variables(
        8001,
        ports=[8000, 8001],
        database_url="postgresql://ksmp:pw@127.0.0.1:1/ksmp",
        nats_url=["nats://127.0.0.1:2", "nats://127.0.0.1:3", "nats://127.0.0.1:4"],
        issuer=Path("/data/issuer"),
        metrics_port=9001,
        environ=environ,
        aws_endpoint=aws_endpoint,
    )


def test_a_gateway_is_told_where_everything_is() -> None:
    settings = read(Settings, variables())
    assert settings.development
    assert (settings.host, settings.port) == ("127.0.0.1", 8001)
    assert settings.metrics_address == "127.0.0.1:9001"
    assert settings.jwks_url == "http://127.0.0.1:8001/dev/jwks.json"
    assert settings.issuer == "https://issuer.ksmp.localhost/dev"
    assert settings.client_ids == ("ksmp-dev",)
    assert settings.development_issuer == "/data/issuer"
    assert settings.nats_replicas == len(settings.nats_url) == 3
    assert set(settings.allowed_origins) == {
        "http://127.0.0.1:8000",
        "http://localhost:8000",
        "http://127.0.0.1:8001",
        "http://localhost:8001",
    }


def test_the_environment_wins_but_for_the_ports() -> None:
    own = {"KSMP_PORT": "1", "KSMP_METRICS_ADDRESS": "0.0.0.0:1"}
    given = variables(KSMP_ENVIRONMENT="test", KSMP_FAILPOINTS="poke.drop=1", KSMP_LIVE_X="y", PATH="z", **own)
    settings = read(Settings, given)
    assert (settings.environment, settings.failpoints, settings.port) == ("test", "poke.drop=1", 8001)
    assert settings.metrics_address == "127.0.0.1:9001"
    assert given["KSMP_LIVE_X"] == "y"
    assert "PATH" not in given


def test_a_bad_value_is_refused_before_anything_starts_with_it() -> None:
    with pytest.raises(SettingsError, match="KSMP_LOG_LEVEL has a bad value 'loud'"):
        variables(KSMP_LOG_LEVEL="loud")


@pytest.mark.parametrize(
    ("host", "reached"),
    [("::1", "[::1]"), ("::", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("192.0.2.7", "192.0.2.7")],
)
def test_a_gateway_is_reached_where_it_listens(host: str, reached: str) -> None:
    settings = read(Settings, variables(KSMP_HOST=host))
    assert settings.host == host
    assert settings.jwks_url == f"http://{reached}:8001/dev/jwks.json"
    assert f"http://{reached}:8000" in settings.allowed_origins


def test_payments_are_made_at_the_stand_in() -> None:
    given = variables(STAND_IN)
    settings = read(PaymentsSettings, given, PREFIX)
    assert settings.razorpay_url == f"{STAND_IN}/razorpay"
    assert (settings.key_id, settings.key_secret) == (razorpay.KEY_ID, razorpay.KEY_SECRET)
    webhook = razorpay.webhook(["http://127.0.0.1:8000"], {})
    assert webhook is not None
    assert settings.webhook_secrets == (webhook.secret,)


@pytest.mark.parametrize("own", ["KSMP_PAYMENTS_KEY_ID", "KSMP_PAYMENTS_KEY_SECRET", "KSMP_PAYMENTS_RAZORPAY_URL"])
def test_an_account_of_ones_own_is_not_mixed_with_that_of_the_stand_in(own: str) -> None:
    environ = {own: "https://razorpay.example" if own.endswith("_URL") else "x"}
    given = variables(STAND_IN, **environ)
    assert {name: value for name, value in given.items() if name.startswith(PREFIX)} == environ
    assert razorpay.webhook(["http://127.0.0.1:8000"], environ) is None
    # Such an account is reached as that laptop reaches everything.
    proxies = {"https_proxy": "http://proxy.example"}
    assert surroundings.foreign(proxies) == {"https_proxy"}
    assert surroundings.foreign(proxies | environ) == set()


@pytest.mark.parametrize(("stand_in", "environ"), [("", {}), (STAND_IN, {"KSMP_MODULES": "accounts,files,programs"})])
def test_nothing_is_said_of_payments_where_there_are_none(stand_in: str, environ: dict[str, str]) -> None:
    assert not any(name.startswith(PREFIX) for name in variables(stand_in, **environ))


def test_a_webhook_secret_of_ones_own_signs_the_webhooks() -> None:
    environ = {razorpay.WEBHOOK_SECRETS: "new,old"}
    assert variables(STAND_IN, **environ)[razorpay.WEBHOOK_SECRETS] == "new,old"
    webhook = razorpay.webhook(["http://127.0.0.1:8000"], environ)
    assert webhook is not None
    assert webhook.secret == "new"


def test_events_go_to_the_stand_in_for_mixpanel() -> None:
    settings = read(AnalyticsSettings, variables(STAND_IN), "KSMP_ANALYTICS_")
    assert (settings.mixpanel_url, settings.mixpanel_app_url) == (f"{STAND_IN}/mixpanel",) * 2
    assert settings.examine_mixpanel().endswith(f"{STAND_IN}/mixpanel")
    found = (project.ID, project.USER, project.SECRET, project.TOKEN, project.DELETION_TOKEN)
    assert found == (
        settings.mixpanel_project,
        settings.mixpanel_account,
        settings.mixpanel_secret,
        settings.mixpanel_token,
        settings.mixpanel_deletion_token,
    )


@pytest.mark.parametrize("own", ["KSMP_ANALYTICS_MIXPANEL_URL", "KSMP_ANALYTICS_MIXPANEL_PROJECT"])
def test_nothing_of_the_stand_in_is_mixed_into_another_project(own: str) -> None:
    given = variables(STAND_IN, **{own: "other"})
    assert [name for name in given if name.startswith("KSMP_ANALYTICS_MIXPANEL")] == [own]
    assert "HTTPS_PROXY" not in surroundings.foreign({own: "other", "HTTPS_PROXY": "http://proxy:1"})
    assert "KSMP_ANALYTICS_MIXPANEL_URL" not in variables()
    assert "KSMP_ANALYTICS_MIXPANEL_URL" not in variables(STAND_IN, KSMP_MODULES="chat")
