"""The state of the stand-in for Razorpay: in memory, and in one file when it has a folder.

A change is in the file a moment later, written by a thread. A process that is killed loses the last moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from pathlib import Path

import msgspec

from devcloud.document import Document
from devcloud.razorpay.entities import Dispute, Order, Payment, PaymentLink, Refund, Settlement, Transaction
from devcloud.razorpay.settings import Settings

log = logging.getLogger(__name__)

FILE = "razorpay.json"
PAUSE_SECONDS = 0.3


class Job(msgspec.Struct, kw_only=True):
    """Something that happens at a moment: its kind says what, `subject` to which id."""

    due: float
    number: int
    kind: str
    subject: str


class Webhook(msgspec.Struct, kw_only=True):
    """An address that gets events. `*` in `events` is all of them.

    `others` are tried in their order when no connection to `url` can be made, as a load balancer does.
    """

    id: str
    url: str
    others: list[str] = []
    secret: str
    events: list[str]
    active: bool = True
    created_at: float
    disabled_at: float | None = None
    succeeded_at: float | None = None


class Attempt(msgspec.Struct, kw_only=True):
    """One try to deliver; `status` is 0 when no answer came, and `error` says why."""

    at: float
    status: int = 0
    error: str = ""


class Delivery(msgspec.Struct, kw_only=True):
    """An event on its way to a webhook. It keeps the secret of the time when the event happened."""

    key: str
    event_id: str
    event: str
    subject: str
    webhook_id: str
    secret: str
    body: str
    created_at: float
    copies: int = 1
    given_up: bool = False
    attempts: list[Attempt] = []


class RefundKey(msgspec.Struct, kw_only=True):
    """What was asked for with an idempotency key, and what came of it."""

    payment_id: str
    body: Document
    refund_id: str


class State(msgspec.Struct, kw_only=True):
    """All that a restart keeps, by id and in the order of creation. `refund_keys` are those of idempotent refunds."""

    settings: Settings = msgspec.field(default_factory=Settings)
    clock_offset: float = 0.0
    numbers: int = 0
    orders: dict[str, Order] = {}
    payments: dict[str, Payment] = {}
    refunds: dict[str, Refund] = {}
    refund_keys: dict[str, RefundKey] = {}
    payment_links: dict[str, PaymentLink] = {}
    settlements: dict[str, Settlement] = {}
    planned_settlements: list[float] = []
    transactions: dict[str, Transaction] = {}
    disputes: dict[str, Dispute] = {}
    webhooks: dict[str, Webhook] = {}
    deliveries: dict[str, Delivery] = {}
    jobs: dict[int, Job] = {}


class Store:
    """The state, and indexes: orders by receipt, payment links by reference, and what is not settled."""

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        self._settings = settings
        self._file = folder / FILE if folder is not None else None
        self._changed = asyncio.Event()
        self._writing = threading.Lock()
        self._version = self._written = 0
        self._encoding_seconds = 0.0
        self.state = State(settings=settings)
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                self.state = msgspec.json.decode(self._file.read_bytes(), type=State)
        self._index()

    def _index(self) -> None:
        self.by_receipt: dict[str, list[str]] = {}
        self.by_reference: dict[str, str] = {}
        for order in self.state.orders.values():
            self._index_order(order)
        for link in self.state.payment_links.values():
            self._index_link(link)

        transactions = self.state.transactions.values()
        self.unsettled = {item.entity_id: item for item in transactions if item.settlement_id is None}

    def _index_link(self, link: PaymentLink) -> None:
        if link.reference_id:
            self.by_reference[link.reference_id] = link.id

    def _index_order(self, order: Order) -> None:
        if order.receipt is not None:
            self.by_receipt.setdefault(order.receipt, []).append(order.id)

    def add_order(self, order: Order) -> None:
        """Keep a new order."""
        self.state.orders[order.id] = order
        self._index_order(order)

    def add_link(self, link: PaymentLink) -> None:
        """Keep a payment link that is new, or has a new reference."""
        self.state.payment_links[link.id] = link
        self._index_link(link)

    def number(self) -> int:
        """The next of a row of numbers that never repeats."""
        self.state.numbers += 1
        return self.state.numbers

    def clear(self) -> None:
        """Forget everything, settings and webhooks included. Numbers go on, so that no job is taken for another."""
        self.state = State(settings=self._settings, numbers=self.state.numbers)
        self._index()
        self.touch()

    def touch(self) -> None:
        """Have the state written soon."""
        self._changed.set()

    async def write_changes(self) -> None:
        """Write the state after changes, until cancelled; what is left is written then."""
        try:
            while True:
                await self._changed.wait()
                await asyncio.sleep(max(PAUSE_SECONDS, 20 * self._encoding_seconds))
                await asyncio.to_thread(self._write, *self._snapshot())
        finally:
            if self._changed.is_set():
                self._write(*self._snapshot())

    def _snapshot(self) -> tuple[int, bytes]:
        self._changed.clear()
        self._version += 1
        began = time.monotonic()
        now = msgspec.json.encode(self.state) if self._file is not None else b""
        # Requests wait meanwhile, so a large state is written less often.
        self._encoding_seconds = time.monotonic() - began
        return self._version, now

    def _write(self, version: int, now: bytes) -> None:
        """A thread may still be at it when the last snapshot is written: an older one never replaces a newer one."""
        with self._writing:
            if self._file is None or version < self._written:
                return
            self._written = version
            fresh = self._file.with_suffix(".new")
            try:
                fresh.write_bytes(now)
                fresh.replace(self._file)
            except OSError:
                log.exception("the state of Razorpay could not be written")
