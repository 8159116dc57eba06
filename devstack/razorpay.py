"""Razorpay in `ksmp dev`: the account in the stand-in, what gateways are told of it, and the webhook to them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec

from gateway import registry
from gateway.settings import Settings, is_loopback

MODULE: Final = "payments"
PREFIX: Final = "KSMP_PAYMENTS_"
URL: Final = f"{PREFIX}RAZORPAY_URL"
WEBHOOK_SECRETS: Final = f"{PREFIX}WEBHOOK_SECRETS"

# The account of the stand-in, where nothing is worth anything.
KEY_ID: Final = "rzp_test_ksmp"
KEY_SECRET: Final = "ksmp-test-secret"  # noqa: S105
WEBHOOK_SECRET: Final = "ksmp-dev-webhook-secret"  # noqa: S105
# Where one of these is set, the gateways talk to another account, and nothing of the stand-in's is mixed in.
OWN: Final = (URL, f"{PREFIX}KEY_ID", f"{PREFIX}KEY_SECRET")

API: Final = "/razorpay"
CHECKOUT: Final = "/checkout.js"
CONTROL: Final = "/_devcloud/razorpay/"
ROUTE: Final = "/api/v1/payments/webhooks/razorpay"
# One of the same name is replaced, however often `ksmp dev` and the stand-in start again.
WEBHOOK_ID: Final = "whk_ksmp_dev"
TIMEOUT: Final = 5.0


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook to the gateways: the first one that is there gets what happens, as behind a load balancer."""

    gateways: Sequence[str]
    secret: str = WEBHOOK_SECRET
    active: bool = True

    async def put(self, stand_in: str) -> bool:
        """Set it up in the stand-in at this address, or change it to this; whether that was done."""
        return await asyncio.to_thread(self._put, stand_in)

    def _put(self, stand_in: str) -> bool:
        first, *others = (f"{gateway}{ROUTE}" for gateway in self.gateways)
        body = {"id": WEBHOOK_ID, "url": first, "others": others, "secret": self.secret, "active": self.active}
        try:
            answer = httpx.put(f"{stand_in}{CONTROL}webhooks", json=body, timeout=TIMEOUT, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200


def is_own(environ: Mapping[str, str]) -> bool:
    """Whether these variables name an account at Razorpay, in place of the stand-in's."""
    return any(name in environ for name in OWN)


def stand_in(environ: Mapping[str, str]) -> str:
    """The origin of the stand-in that a gateway with these variables asks; empty where it is Razorpay, or nobody."""
    url = urlsplit(environ.get(URL, ""))
    return f"{url.scheme}://{url.netloc}" if url.path == API and is_loopback(url.hostname or "") else ""


def variables(stand_in: str, settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What a gateway is told of the account in the stand-in at this address.

    Nothing without a stand-in or without the module, which nobody would ask for its settings, or when `environ` names
    an account of its own.
    """
    on = MODULE in (settings.modules or registry.installed())
    if not stand_in or not on or is_own(environ):
        return {}
    return {
        f"{PREFIX}KEY_ID": KEY_ID,
        f"{PREFIX}KEY_SECRET": KEY_SECRET,
        WEBHOOK_SECRETS: WEBHOOK_SECRET,
        URL: f"{stand_in}{API}",
        # Receipts name the seller, and so do checkout pages.
        f"{PREFIX}SELLER_NAME": "KSMP (development)",
    }


def webhook(gateways: Sequence[str], environ: Mapping[str, str]) -> Webhook | None:
    """The webhook for gateways that `environ` was for; None when they do not listen to the stand-in."""
    if is_own(environ):
        return None
    # The first is what events are signed with; the others are being replaced.
    secret = environ.get(WEBHOOK_SECRETS, "").split(",")[0].strip()
    return Webhook(gateways=gateways, secret=secret or WEBHOOK_SECRET)
