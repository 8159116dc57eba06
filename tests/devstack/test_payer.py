"""`ksmp devcloud pay`, `razorpay advance` and `webhook`, against the stand-in and an order of the real SDK."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import razorpay as sdk
from click.testing import CliRunner, Result

from devstack import razorpay
from gateway.cli import main
from tests.devstack.test_state import EXAMPLE


class Desk:
    """A merchant and a customer at the stand-in of a `ksmp dev` in `data`."""

    def __init__(self, data: Path, endpoint: str, http: httpx.AsyncClient) -> None:
        self.data = data
        self.endpoint = endpoint
        self._client = sdk.Client(auth=(razorpay.KEY_ID, razorpay.KEY_SECRET), base_url=f"{endpoint}/razorpay")
        self._http = http

    async def order(self) -> tuple[str, str]:
        """A new order: its id here, and that of Razorpay."""
        id = uuid.uuid4().hex
        body = {"amount": 44_910, "currency": "INR", "receipt": f"o-{id}"}
        made = await asyncio.to_thread(self._client.order.create, body, timeout=20.0)
        return id, made["id"]

    async def link(self) -> tuple[str, str]:
        """A new payment link: the id of its order here, and Razorpay's of the link."""
        id = uuid.uuid4().hex
        body = {"amount": 44_910, "currency": "INR", "reference_id": f"l-{id}"}
        made = await asyncio.to_thread(self._client.payment_link.create, body, timeout=20.0)
        return id, made["id"]

    async def payments(self, vendor_order: str) -> list[str]:
        """The states of an order's payments."""
        found = await asyncio.to_thread(self._client.order.payments, vendor_order, timeout=20.0)
        return sorted(item["status"] for item in found["items"])

    async def run(self, *arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, main, ["devcloud", *arguments, "--data", str(self.data)])

    async def drive(self, method: str, path: str, **options: Any) -> Any:
        answer = await self._http.request(method, f"/_devcloud/razorpay/{path}", **options)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def desk(devcloud: str, tmp_path: Path) -> AsyncIterator[Desk]:
    msgspec.structs.replace(EXAMPLE, aws_endpoint=devcloud).write(tmp_path / "dev.json")
    async with httpx.AsyncClient(base_url=devcloud, trust_env=False) as http:
        desk = Desk(tmp_path, devcloud, http)
        await desk.drive("DELETE", "state")
        yield desk
        await desk.drive("DELETE", "state")


@pytest.mark.parametrize("named", [0, 1])
async def test_an_order_is_paid_by_either_of_its_names(desk: Desk, named: int) -> None:
    names = await desk.order()
    result = await desk.run("pay", names[named], "--method", "card")
    assert result.exit_code == 0, result.output
    handed = json.loads(result.stdout)
    assert handed["razorpay_order_id"] == names[1]
    sdk.Client(auth=(razorpay.KEY_ID, razorpay.KEY_SECRET)).utility.verify_payment_signature(handed)
    assert await desk.payments(names[1]) == ["captured"]


@pytest.mark.parametrize("named", [0, 1])
async def test_a_link_is_paid_by_its_order(desk: Desk, named: int) -> None:
    names = await desk.link()
    result = await desk.run("pay", names[named])
    assert result.exit_code == 0, result.output
    handed = json.loads(result.stdout)
    assert handed["razorpay_payment_link_id"] == names[1]
    assert handed["razorpay_payment_link_status"] == "paid"
    # The SDK wants the names of the link's members without this prefix.
    signed = {name.replace("razorpay_payment_link", "payment_link"): value for name, value in handed.items()}
    assert sdk.Client(auth=(razorpay.KEY_ID, razorpay.KEY_SECRET)).utility.verify_payment_link_signature(signed)


async def test_a_payment_fails(desk: Desk) -> None:
    _, vendor_order = await desk.order()
    result = await desk.run("pay", vendor_order, "--fail")
    assert json.loads(result.stdout)["error"]["metadata"]["order_id"] == vendor_order
    assert await desk.payments(vendor_order) == ["failed"]


async def test_a_late_payment_comes_when_the_clock_has_moved(desk: Desk) -> None:
    _, vendor_order = await desk.order()
    result = await desk.run("pay", vendor_order, "--late", "2h")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "`ksmp devcloud razorpay advance TIME`" in result.stderr
    assert await desk.payments(vendor_order) == ["created"]
    result = await desk.run("razorpay", "advance", "3h")
    assert result.stdout.endswith(" UTC at Razorpay\n")
    assert await desk.payments(vendor_order) == ["captured"]


async def test_an_order_is_paid_twice(desk: Desk) -> None:
    _, vendor_order = await desk.order()
    await desk.run("pay", vendor_order, "--twice")
    assert await desk.payments(vendor_order) == ["captured", "refunded"]


async def test_the_page_of_a_closed_tab_gets_nothing(desk: Desk) -> None:
    _, vendor_order = await desk.order()
    result = await desk.run("pay", vendor_order, "--lost")
    assert (result.exit_code, result.stdout) == (0, "")
    assert await desk.payments(vendor_order) == ["captured"]


async def test_the_webhook_is_switched(desk: Desk) -> None:
    assert "There is no webhook" in (await desk.run("webhook", "off")).stderr
    assert await razorpay.Webhook(gateways=["http://127.0.0.1:9"]).put(desk.endpoint)
    for step, active in (("off", False), ("on", True)):
        assert (await desk.run("webhook", step)).stdout == f"The webhook is {step}\n"
        (webhook,) = (await desk.drive("GET", "webhooks"))["webhooks"]
        assert webhook["active"] == active
    _, vendor_order = await desk.order()
    await desk.run("pay", vendor_order)
    await desk.run("razorpay", "advance", "2d")
    assert (await desk.run("webhook", "replay")).stdout == "3 webhook(s) are sent again\n"


async def test_what_cannot_be_is_one_sentence(desk: Desk) -> None:
    for arguments, said in {
        ("pay", "nonesuch"): "There is no order nonesuch in the stand-in for Razorpay.",
        ("pay", "order_none"): "The order is not paid: The id provided does not exist",
        ("pay", "order_none", "--fail", "--twice"): "Choose one of --fail, --late and --twice.",
        ("razorpay", "advance", "soon"): "'soon' is not a time like",
    }.items():
        result = await desk.run(*arguments)
        assert result.exit_code in (1, 2)
        assert said in result.stderr
    (desk.data / "dev.json").unlink()
    assert "No `ksmp dev` runs in " in (await desk.run("webhook", "on")).stderr
