"""Where the payer of a link goes afterwards, and how long a link may be paid."""

from __future__ import annotations

import pytest

from gateway.registry import settings_prefix
from gateway.settings import SettingsError, read
from ksmp_testkit import MakeGateway, MakeToken
from ksmp_testkit.member import clients_of
from modules.payments.module import PaymentsModule
from modules.payments.settings import PaymentsSettings
from tests.modules.payments.links.test_links import CALLBACK, linked, pay, program
from tests.modules.payments.razorpay import StandIn, environ_of
from tests.modules.programs.programs import user


async def test_the_payer_is_led_to_a_page_of_ours(
    gateway: MakeGateway, razorpay: StandIn, devcloud: str, token: MakeToken
) -> None:
    environ = environ_of(
        devcloud,
        KSMP_PAYMENTS_PUBLIC_URL="https://api.example.org/",
        KSMP_PAYMENTS_LINK_RETURN_URL="https://example.org/thanks?lang=hi",
        KSMP_PAYMENTS_LINK_LIFE="7200",
    )
    async with gateway(environ=environ) as running, clients_of(running, token) as clients:
        link = await linked(clients.rest(user()), await program(clients.rest))
        vendor = link["url"].rsplit("/", 1)[1]
        shown = await razorpay.http.get(
            f"/razorpay/v1/payment_links/{vendor}", auth=("rzp_test_ksmp", "ksmp-test-secret")
        )
        assert shown.json()["callback_url"] == f"https://api.example.org{CALLBACK}"
        assert 7100 < shown.json()["expire_by"] - shown.json()["created_at"] <= 7200
        handed = await pay(razorpay, link)
        for told, outcome in ((handed, "paid"), ({}, "unknown")):
            answer = await clients.rest().get(CALLBACK, params=told)
            assert answer.status_code == 303
            assert answer.headers["location"] == f"https://example.org/thanks?lang=hi&payment={outcome}"


def test_a_link_lives_as_long_as_razorpay_takes() -> None:
    prefix = settings_prefix(PaymentsModule)
    with pytest.raises(SettingsError, match="LINK_LIFE must be at least 1200"):
        read(PaymentsSettings, {"KSMP_PAYMENTS_LINK_LIFE": "900"}, prefix)
