"""Disputes: a customer's bank asks for the money back, and the merchant accepts or contests.

    open ──► lost                    accepted, or decided so
      └────► under_review ──► won, lost, closed
                   └────────► open   the bank wants more: `payment.dispute.action_required`

A lost dispute is deducted from the balance.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from devcloud.document import Document
from devcloud.razorpay import balance, fields
from devcloud.razorpay.account import Account
from devcloud.razorpay.entities import Dispute, DisputePhase, new_id
from devcloud.razorpay.errors import RazorpayError, unknown_id
from devcloud.razorpay.operations import Call, collection, listed, operations

DOCUMENTS = (
    "shipping_proof",
    "billing_proof",
    "cancellation_proof",
    "customer_communication",
    "proof_of_service",
    "explanation_letter",
    "refund_confirmation",
    "access_activity_log",
    "refund_cancellation_policy",
    "term_and_conditions",
)
LONGEST_SUMMARY = 1_000


class NewDispute(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a bank says. Without `amount` it is that of the payment; `respond_within` is in seconds."""

    payment_id: str
    amount: Annotated[int, msgspec.Meta(gt=0)] | None = None
    phase: DisputePhase = "chargeback"
    reason_code: str = "goods_or_services_not_received_or_partially_received"
    reason_description: str = "The customer did not get what was paid for."
    respond_within: Annotated[float, msgspec.Meta(gt=0)] = 7 * 86_400.0


class Decision(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How the bank decides."""

    dispute_id: str
    decision: Literal["won", "lost", "closed", "under_review", "action_required"]


def get(account: Account, dispute_id: str) -> Dispute:
    """Raises RazorpayError."""
    dispute = account.store.state.disputes.get(dispute_id)
    if dispute is None:
        raise unknown_id()
    return dispute


def open_dispute(account: Account, wanted: NewDispute) -> Document:
    """A bank disputes a captured payment. Raises RazorpayError."""
    payment = account.store.state.payments.get(wanted.payment_id)
    if payment is None:
        raise unknown_id()
    amount = payment.amount if wanted.amount is None else wanted.amount
    if not payment.captured or amount > payment.amount:
        raise RazorpayError("Only the amount of a captured payment can be disputed.")
    now = account.clock.now()
    dispute = Dispute(
        id=new_id("disp"),
        payment_id=payment.id,
        amount=amount,
        currency=payment.currency,
        reason_code=wanted.reason_code,
        reason_description=wanted.reason_description,
        respond_by=int(now + wanted.respond_within),
        phase=wanted.phase,
        created_at=int(now),
        evidence={"amount": amount, "summary": None, **dict.fromkeys(DOCUMENTS), "others": None, "submitted_at": None},
    )
    account.store.state.disputes[dispute.id] = dispute
    _emit(account, "created", dispute)
    return dispute.shown()


def decide(account: Account, wanted: Decision) -> Document:
    """The bank decides. Raises RazorpayError when the dispute is over."""
    dispute = get(account, wanted.dispute_id)
    if dispute.status not in ("open", "under_review"):
        raise RazorpayError(f"Action not allowed when dispute is in {dispute.status} status")
    if wanted.decision == "lost":
        _lose(account, dispute)
    elif wanted.decision == "action_required":
        dispute.status = "open"
        _emit(account, "action_required", dispute)
    else:
        dispute.status = wanted.decision
        _emit(account, wanted.decision, dispute)
    return dispute.shown()


def _lose(account: Account, dispute: Dispute) -> None:
    dispute.status, dispute.amount_deducted = "lost", dispute.amount
    balance.debit_dispute(account, dispute)
    _emit(account, "lost", dispute)


def _emit(account: Account, event: str, dispute: Dispute) -> None:
    payment = account.store.state.payments[dispute.payment_id]
    subject = payment.order_id or payment.id
    account.webhooks.emit(f"payment.dispute.{event}", subject, payment=payment.with_card(), dispute=dispute.shown())
    account.store.touch()


def _answerable(account: Account, dispute: Dispute) -> None:
    if dispute.status != "open":
        raise RazorpayError(f"Action not allowed when dispute is in {dispute.status} status")
    if account.clock.now() > dispute.respond_by:
        raise RazorpayError("Action not allowed as deadline to respond has elapsed")


def _shown(account: Account, dispute: Dispute, call: Call) -> Document:
    document = dispute.shown()
    if call.expands("payment"):
        document["payment"] = account.store.state.payments[dispute.payment_id].shown()
    return document


@operations("ListDisputes", "GET", "disputes")
def list_disputes(account: Account, call: Call) -> Document:
    """All disputes, newest first."""
    found = listed(call, reversed(account.store.state.disputes.values()))
    return collection([_shown(account, dispute, call) for dispute in found])


@operations("FetchDispute", "GET", "disputes/{}")
def fetch(account: Account, call: Call) -> Document:
    """One dispute."""
    return _shown(account, get(account, call.ids[0]), call)


@operations("AcceptDispute", "POST", "disputes/{}/accept")
def accept(account: Account, call: Call) -> Document:
    """The merchant gives in: the dispute is lost."""
    dispute = get(account, call.ids[0])
    fields.known(call.body, ())
    _answerable(account, dispute)
    _lose(account, dispute)
    return dispute.shown()


@operations("ContestDispute", "PATCH", "disputes/{}/contest")
def contest(account: Account, call: Call) -> Document:
    """The merchant adds evidence, and submits it in the end."""
    dispute = get(account, call.ids[0])
    body = call.body
    fields.known(body, ("amount", "summary", "others", "action", *DOCUMENTS))
    _answerable(account, dispute)
    action = fields.choice(body, "action", ("draft", "submit"), "draft")
    evidence = dict(dispute.evidence)
    if body.get("amount") is not None:
        amount = fields.integer(body["amount"], "amount")
        if amount > dispute.amount:
            raise RazorpayError("contest amount cannot be greater than dispute amount", field="amount")
        evidence["amount"] = amount
    if "summary" in body:
        evidence["summary"] = fields.text(body, "summary", LONGEST_SUMMARY)
    evidence |= {name: _documents(body, name) for name in DOCUMENTS if name in body}
    if "others" in body:
        evidence["others"] = _others(body)
    if action == "submit":
        if not any(evidence[name] for name in (*DOCUMENTS, "others")):
            raise RazorpayError("At least one document is required to submit the dispute.")
        evidence["submitted_at"] = account.clock.seconds()
    dispute.evidence = evidence
    if action == "submit":
        dispute.status = "under_review"
        _emit(account, "under_review", dispute)
    return dispute.shown()


def _documents(body: Document, name: str) -> list[str]:
    ids = body[name]
    if not isinstance(ids, list) or not all(isinstance(item, str) and item.startswith("doc_") for item in ids):
        raise RazorpayError("Invalid file id provided or merchant is unauthorized to access the fileId(s) provided")
    return ids


def _others(body: Document) -> list[Document]:
    kinds = body["others"]
    if not isinstance(kinds, list) or not all(isinstance(kind, dict) and kind.get("type") for kind in kinds):
        raise RazorpayError("The others must be a list of a type and document_ids.", field="others")
    return [{"type": kind["type"], "document_ids": _documents(kind, "document_ids")} for kind in kinds]
