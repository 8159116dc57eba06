"""The stand-in for Razorpay as a whole: its parts put together, its start and its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from devcloud.clock import VirtualClock
from devcloud.faults import FaultSwitch
from devcloud.razorpay import (
    api,
    balance,
    checkout_page,
    control,
    customer,
    link_page,
    payment_links,
    payments,
    refunds,
    settlements,
)
from devcloud.razorpay.account import Account
from devcloud.razorpay.settings import Settings
from devcloud.razorpay.state import Store
from devcloud.razorpay.timers import Timers
from devcloud.razorpay.webhooks import Webhooks
from devcloud.wire import Request, Response


class RazorpayStandIn:
    """Answers below `/razorpay/` and `/_devcloud/razorpay/`. `folder` keeps its state."""

    def __init__(self, url: str, faults: FaultSwitch, settings: Settings, folder: Path | None = None) -> None:
        store = Store(settings, folder)
        clock = VirtualClock(store.state.clock_offset)
        timers = Timers(store, clock)
        webhooks = Webhooks(store, clock, timers, faults)
        self.account = Account(url=url, store=store, clock=clock, timers=timers, webhooks=webhooks)
        self._api = api.Api(self.account, faults)
        self._control = control.RazorpayControl(self.account)
        timers.handle(customer.AUTHORIZE, lambda subject: customer.authorize_late(self.account, subject))
        timers.handle(payments.CAPTURE_ENDS, lambda subject: payments.capture_ended(self.account, subject))
        timers.handle(payment_links.EXPIRE, lambda subject: payment_links.expired(self.account, subject))
        timers.handle(refunds.FINISH, lambda subject: refunds.finish(self.account, subject))
        timers.handle(refunds.REVERSE, lambda subject: refunds.reverse(self.account, subject))

        timers.handle(balance.SETTLE, lambda subject: settlements.planned(self.account, subject))

    def speaks(self, request: Request) -> bool:
        """Whether a request is for it."""
        own = (api.PREFIX, control.PREFIX, payment_links.PAGE)
        return request.path.startswith(own) or checkout_page.speaks(request.path)

    async def answer(self, request: Request) -> Response:
        """The answer to a request that it speaks."""
        if request.path.startswith(control.PREFIX):
            return await self._control.answer(request)
        if request.path.startswith(payment_links.PAGE):
            return await link_page.answer(self.account, request)
        if checkout_page.speaks(request.path):
            return checkout_page.answer(self.account, request)
        return await self._api.answer(request)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let time pass, send webhooks and keep the state, until the end of the block."""
        tasks = [
            asyncio.create_task(self.account.timers.run()),
            asyncio.create_task(self.account.store.write_changes()),
        ]
        self.account.webhooks.resume()
        try:
            yield
        finally:
            await self.account.webhooks.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
