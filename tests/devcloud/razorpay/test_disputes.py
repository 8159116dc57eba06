"""Disputes: raised, accepted, contested and decided."""

from __future__ import annotations

from typing import Any

import pytest

from .merchant import Merchant
from .receiver import Receiver


async def dispute(merchant: Merchant, **options: Any) -> dict[str, Any]:
    paid = await merchant.paid(10_000)
    raised: dict[str, Any] = await merchant.drive("POST", "disputes", json={"payment_id": paid["id"], **options})
    return raised


async def decide(merchant: Merchant, raised: dict[str, Any], decision: str, status: int = 200) -> Any:
    body = {"dispute_id": raised["id"], "decision": decision}
    return await merchant.drive("POST", "disputes/decide", status, json=body)


async def test_a_dispute_is_raised_and_accepted(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, events=["payment.dispute.created", "payment.dispute.lost"])
    raised = await dispute(merchant, amount=6_000, phase="fraud", reason_code="fraud", respond_within=86_400)
    shown = await merchant.call(merchant.client.dispute.fetch, raised["id"])
    assert shown == raised
    assert (shown["status"], shown["phase"], shown["amount"], shown["amount_deducted"]) == ("open", "fraud", 6_000, 0)
    assert shown["respond_by"] - shown["created_at"] == 86_400
    assert (shown["evidence"]["amount"], shown["evidence"]["submitted_at"]) == (6_000, None)
    expanded = await merchant.call(merchant.client.dispute.fetch, raised["id"], {"expand[]": "payment"})
    assert expanded["payment"]["id"] == raised["payment_id"]
    lost = await merchant.call(merchant.client.dispute.accept, raised["id"])
    assert (lost["status"], lost["amount_deducted"]) == ("lost", 6_000)
    await merchant.settle()
    assert receiver.events == ["payment.dispute.created", "payment.dispute.lost"]
    assert receiver.received[1].entity("dispute") == lost
    assert receiver.received[1].entity("payment")["id"] == raised["payment_id"]
    await merchant.refused("lost status", merchant.client.dispute.accept, raised["id"])
    assert [item["id"] for item in (await merchant.call(merchant.client.dispute.all))["items"]] == [raised["id"]]


async def test_a_dispute_is_contested(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, events=["payment.dispute.under_review", "payment.dispute.action_required"])
    raised, contest = await dispute(merchant), merchant.client.dispute.contest
    draft = await merchant.call(contest, raised["id"], {"amount": 5_000, "summary": "The class was held."})
    assert (draft["status"], draft["evidence"]["amount"], draft["evidence"]["submitted_at"]) == ("open", 5_000, None)
    await merchant.refused("At least one document", contest, raised["id"], {"action": "submit"})
    others = [{"type": "attendance", "document_ids": ["doc_EFtmUsbwpXwBH1"]}]
    body = {"proof_of_service": ["doc_EFtmUsbwpXwBH9"], "others": others, "action": "submit"}
    sent = await merchant.call(contest, raised["id"], body)
    assert (sent["status"], sent["evidence"]["summary"]) == ("under_review", "The class was held.")
    assert (sent["evidence"]["others"], sent["evidence"]["submitted_at"] > 0) == (others, True)
    await merchant.refused("under_review status", contest, raised["id"], {"action": "draft"})
    await decide(merchant, raised, "action_required")
    await merchant.call(contest, raised["id"], {"action": "submit"})
    assert (await decide(merchant, raised, "won"))["amount_deducted"] == 0
    await merchant.settle()
    assert receiver.events == [
        "payment.dispute.under_review",
        "payment.dispute.action_required",
        "payment.dispute.under_review",
    ]
    await decide(merchant, raised, "lost", 400)


@pytest.mark.parametrize("decision", ["won", "lost", "closed", "under_review"])
async def test_the_bank_decides(merchant: Merchant, receiver: Receiver, decision: str) -> None:
    await merchant.webhook(receiver.url, events=[f"payment.dispute.{decision}"])
    decided = await decide(merchant, await dispute(merchant), decision)
    assert (decided["status"], decided["amount_deducted"]) == (decision, 10_000 if decision == "lost" else 0)
    await merchant.settle()
    assert receiver.events == [f"payment.dispute.{decision}"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"amount": 10_001}, "greater than dispute amount"),
        ({"summary": "x" * 1_001}, "greater than 1000"),
        ({"billing_proof": ["file_1"]}, "Invalid file id"),
        ({"others": ["doc_1"]}, "list of a type"),
        ({"action": "win"}, "selected action is invalid"),
        ({"invalid_proof_type": []}, "should not be sent"),
    ],
)
async def test_a_bad_contest_is_refused(merchant: Merchant, body: dict[str, Any], said: str) -> None:
    raised = await dispute(merchant)
    await merchant.refused(said, merchant.client.dispute.contest, raised["id"], body)


async def test_the_deadline_holds(merchant: Merchant) -> None:
    raised = await dispute(merchant, respond_within=3_600)
    await merchant.advance(3_601)
    await merchant.refused("deadline to respond has elapsed", merchant.client.dispute.accept, raised["id"])
    body = {"proof_of_service": ["doc_EFtmUsbwpXwBH9"], "action": "submit"}
    await merchant.refused("deadline to respond has elapsed", merchant.client.dispute.contest, raised["id"], body)


async def test_only_captured_money_is_disputed(merchant: Merchant) -> None:
    failed, paid = await merchant.paid(outcome="failure"), await merchant.paid(1_000)
    for body in ({"payment_id": failed["id"]}, {"payment_id": paid["id"], "amount": 1_001}, {"payment_id": "pay_none"}):
        await merchant.drive("POST", "disputes", 400, json=body)
    await merchant.refused("does not exist", merchant.client.dispute.fetch, "disp_none")
