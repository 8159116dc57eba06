"""The settings of payments, `KSMP_PAYMENTS_*`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.settings import SettingsError, setting
from modules.payments.ledger.gst import state_of_gstin, valid_gstin
from modules.payments.ledger.states_of_india import STATES

# What begins a number: "INV/2627/0000001" has 16 characters, the most that GST allows.
SAC: Final = re.compile(r"[0-9]{4,8}")
SERIES: Final = re.compile(r"[A-Z0-9]{1,3}")


@dataclass(frozen=True, kw_only=True)
class RazorpaySettings:
    """Where Razorpay is, who we are there, and how long it is waited for."""

    key_id: str = setting("", doc="Razorpay's key id; pages that take payments show it. Without it nothing is sold")
    key_secret: str = setting(
        "", doc="The secret of that key: it signs our calls, and Razorpay's callbacks", secret=True
    )
    former_key_secrets: tuple[str, ...] = setting(
        (), doc="Secrets of keys that were replaced; callbacks that they signed are still taken", secret=True
    )
    webhook_secrets: tuple[str, ...] = setting(
        (),
        doc="Secrets that webhooks are signed with; several while one replaces another",
        secret=True,
    )
    razorpay_url: str = setting("https://api.razorpay.com", doc="Where Razorpay's API is", https=True)
    razorpay_timeout: float = setting(
        10.0, doc="How long one call to Razorpay may take in all, with its wait for a thread"
    )
    razorpay_connect_timeout: float = setting(3.0, doc="How long a connection to Razorpay may take to be made")
    razorpay_threads: int = setting(8, doc="Calls to Razorpay that a gateway makes at once")
    razorpay_failures: int = setting(5, doc="Failed calls to Razorpay in a row after which the gateway pauses")
    razorpay_pause: float = setting(10.0, doc="How long the gateway then makes no call to Razorpay")
    razorpay_answer_bytes: int = setting(8 * 1024 * 1024, doc="Largest answer of Razorpay that is read")
    razorpay_pages: int = setting(1000, doc="Most pages of one list of Razorpay that are read")

    def __post_init__(self) -> None:
        for name in ("key_id", "key_secret"):
            value = getattr(self, name)
            if not value.isascii() or value != "".join(value.split()) or ":" in value:
                raise SettingsError(
                    f"KSMP_PAYMENTS_{name.upper()} has a bad value (hidden): it must be as Razorpay shows it, "
                    "without spaces and colons."
                )

    def examine(self, *, production: bool) -> str:
        """Whether Razorpay's settings are complete, in words. Raises SettingsError when they are set by half."""
        parts = {"KEY_ID": self.key_id, "KEY_SECRET": self.key_secret, "WEBHOOK_SECRETS": self.webhook_secrets}
        # Elsewhere than in production one may do without webhooks, which a laptop does not hear.
        needed = [name for name in parts if production or name != "WEBHOOK_SECRETS"]
        there = [name for name in parts if parts[name]]
        if there and (missing := [name for name in needed if not parts[name]]):
            raise SettingsError(
                f"KSMP_PAYMENTS_{missing[0]} is not set, and KSMP_PAYMENTS_{there[0]} is; payments need both."
            )
        if not self.key_id:
            return (
                "no key of Razorpay is set, so nothing is sold, and what needs Razorpay is `unavailable`; to sell, set "
                + ", ".join(f"KSMP_PAYMENTS_{name}" for name in parts)
            )
        secrets = f"{len(self.webhook_secrets)} webhook secret(s)" if self.webhook_secrets else "no webhook secret"
        test = ", a test key that moves no money" if production and self.key_id.startswith("rzp_test_") else ""
        return f"Razorpay at {self.razorpay_url} is called with the key {self.key_id}{test}; {secrets}"


@dataclass(frozen=True, kw_only=True)
class SellerSettings:
    """Who sells, under which taxes, and how invoices are numbered."""

    seller_name: str = setting("", doc="Legal name of the seller, as invoices show it")
    seller_address: str = setting("", doc="Address of the seller, as invoices show it; `\\n` begins a new line")
    seller_gstin: str = setting(
        "", doc="GSTIN of the seller; without one no GST is charged, and receipts are issued in place of tax invoices"
    )
    seller_state: str = setting(
        "", doc="Two digits of the seller's state in GST; empty means that of the GSTIN, and else none"
    )
    seller_sac: str = setting("999293", doc="SAC of what is sold; 999293 is commercial training and coaching")
    gst_rate: float = setting(18.0, zero=True, doc="GST in percent, which prices include")
    gst_undertaking: str = setting(
        "",
        doc="Reference of the letter of undertaking under which supplies abroad, paid in another currency, bear no "
        "IGST; without it they do",
    )
    mentor_share: float = setting(0.0, zero=True, doc="The mentor's part of what is taxable, in percent")
    invoice_series: str = setting("INV", doc="Begins the numbers of invoices")
    receipt_series: str = setting("RCT", doc="Begins the numbers of receipts, of a seller without a GSTIN")
    credit_note_series: str = setting("CN", doc="Begins the numbers of credit notes")
    invoice_resend_count: int = setting(3, doc="Times that a user may have invoices sent again, at once")
    invoice_resend_seconds: float = setting(3600.0, doc="Time in which it may be done as often again")
    report_rows: int = setting(100_000, doc="Most rows of a report in a file")
    reports_at_once: int = setting(2, doc="Files of reports that a gateway writes at once")

    def __post_init__(self) -> None:
        if self.seller_gstin and not valid_gstin(self.seller_gstin):
            raise SettingsError(f"KSMP_PAYMENTS_SELLER_GSTIN is {self.seller_gstin!r}, which is no GSTIN.")
        if self.seller_state and self.seller_state not in STATES:
            raise SettingsError(f"KSMP_PAYMENTS_SELLER_STATE is {self.seller_state!r}, and must be two digits of GST.")
        if self.seller_gstin and self.seller_state not in {"", self.state}:
            raise SettingsError("KSMP_PAYMENTS_SELLER_STATE is not that of KSMP_PAYMENTS_SELLER_GSTIN.")
        for name in ("gst_rate", "mentor_share"):
            if getattr(self, name) > 100:
                raise SettingsError(f"KSMP_PAYMENTS_{name.upper()} is more than 100 percent.")
        # Taxes are computed in hundredths of a percent, and invoices name them so.
        if round(self.gst_rate, 2) != self.gst_rate:
            raise SettingsError("KSMP_PAYMENTS_GST_RATE has more than two decimals.")
        if not SAC.fullmatch(self.seller_sac):
            raise SettingsError("KSMP_PAYMENTS_SELLER_SAC must be of four to eight digits, such as 999293.")
        series = (self.invoice_series, self.receipt_series, self.credit_note_series)
        if len({*series}) < len(series) or not all(SERIES.fullmatch(one) for one in series):
            raise SettingsError(
                "KSMP_PAYMENTS_INVOICE_SERIES, _RECEIPT_SERIES and _CREDIT_NOTE_SERIES must differ, and be of one to "
                "three capitals and digits: a number has at most 16 characters."
            )

    @property
    def state(self) -> str:
        """The seller's state: that of the GSTIN, or the one that is set."""
        return state_of_gstin(self.seller_gstin) if self.seller_gstin else self.seller_state


@dataclass(frozen=True, kw_only=True)
class CheckoutSettings:
    """What an order is, how long it may be paid, and what of Razorpay's webhooks is taken."""

    checkout_name: str = setting("", doc="Name that checkout pages show; empty is that of the seller")
    order_life: float = setting(1800.0, doc="How long an order may be paid")
    expiry_grace: float = setting(
        60.0, doc="How long an order whose time is over waits for Razorpay's word of a payment before it expires"
    )
    confirming_life: float = setting(
        3 * 86_400.0 + 3600.0, doc="How long an order whose payment the bank has not confirmed is kept open"
    )
    late_life: float = setting(
        86_400.0,
        zero=True,
        doc="How long after the time of an order a payment that begins only then still buys the place; "
        "the money of a later one goes back",
    )
    hold_places: bool = setting(True, doc="Whether the places of orders that may still be paid are sold to nobody else")
    least_amounts: tuple[str, ...] = setting(
        ("INR:100",), doc="Least amount of an order in minor units, `<currency>:<amount>`; 1 for other currencies"
    )
    webhook_bytes: int = setting(256 * 1024, doc="Largest webhook that is taken")
    bad_webhook_rate: float = setting(
        5.0, doc="Webhooks with a wrong signature of one address in a second that are looked at; the others get 429"
    )
    bad_webhook_burst: int = setting(100, doc="As many at once")

    def least_amount(self, currency: str) -> int:
        """The least that an order may cost in minor units of the currency, when it costs anything."""
        for entry in self.least_amounts:
            name, _, amount = entry.partition(":")
            if name == currency:
                return int(amount)
        return 1

    def __post_init__(self) -> None:
        for entry in self.least_amounts:
            if not re.fullmatch(r"[A-Z]{3}:[0-9]{1,15}", entry):
                raise SettingsError("KSMP_PAYMENTS_LEAST_AMOUNTS has a bad value: it must be like INR:100,USD:50.")


@dataclass(frozen=True, kw_only=True)
class LinkSettings:
    """How long a payment link may be paid, and where its payer goes afterwards."""

    link_life: float = setting(86_400.0, doc="How long a payment link may be paid; at least 20 minutes")
    public_url: str = setting(
        "",
        doc="Where payers of links reach the gateways, `https://host`; in development empty means the host of the "
        "request, and in production that they stay on Razorpay's page",
        https=True,
    )
    link_return_url: str = setting(
        "",
        doc="Page that payers of links are led to, with `?payment=paid`, `confirming` or `unknown`; "
        "empty is a plain page of the gateway's",
        https=True,
    )

    def __post_init__(self) -> None:
        if self.link_life < 1200.0:
            raise SettingsError("KSMP_PAYMENTS_LINK_LIFE must be at least 1200: Razorpay takes no shorter link.")


@dataclass(frozen=True, kw_only=True)
class RefundSettings:
    """How much goes back when a place is given back, and how refunds are sent."""

    refund_days: int = setting(7, zero=True, doc="Days after a payment in which a place that is given back is refunded")
    refund_percent: int = setting(100, zero=True, doc="How much of the payment goes back in these days, in percent")
    refund_percent_later: int = setting(0, zero=True, doc="How much of it goes back after these days, in percent")
    refund_retry: float = setting(
        60.0, doc="Time until a refund that is not finished is sent or looked up again; each time twice as long"
    )
    refund_retry_longest: float = setting(21_600.0, doc="Longest time between two such tries")
    refund_attempts: int = setting(
        30, doc="Tries after which a refund has failed that Razorpay refuses for lack of money in our account"
    )
    refund_overdue_days: int = setting(10, doc="Days after which an operator is told of a refund that is not finished")

    def __post_init__(self) -> None:
        for name in ("refund_percent", "refund_percent_later"):
            if getattr(self, name) > 100:
                raise SettingsError(f"KSMP_PAYMENTS_{name.upper()} must be at most 100: it is a part of the payment.")


@dataclass(frozen=True, kw_only=True)
class DisputeSettings:
    """When an operator is reminded of a dispute, and what a lost one does to the place."""

    dispute_warning: float = setting(
        259_200.0, doc="How long before the answer to a dispute is due an operator is told"
    )
    dispute_last_warning: float = setting(86_400.0, doc="How long before that time an operator is told once more")
    dispute_keeps_place: bool = setting(
        False, doc="Whether the student keeps the place when all of the money was lost by disputes"
    )


@dataclass(frozen=True, kw_only=True)
class ReconciliationSettings:
    """When our rows are compared with Razorpay's, and when an operator is told."""

    reconcile_interval: float = setting(60.0, doc="Time between two looks for what is to be compared with Razorpay")
    reconcile_first: float = setting(
        900.0, doc="How long after it was made an unfinished order or refund is compared first; then the time doubles"
    )
    reconcile_most: float = setting(21_600.0, doc="Longest time between two comparisons of an order or refund")
    reconcile_window: float = setting(
        3 * 86_400.0 + 21_600.0,
        doc="How long after its time is over an unpaid order is compared: banks confirm up to three days late",
    )
    reconcile_batch: int = setting(200, doc="Most orders, and refunds, that one look finds due")
    settlement_hour: float = setting(
        3.0, zero=True, doc="Hour of the day in India from which the settlements of the days before are compared"
    )
    settlement_days: int = setting(7, doc="Days back whose settlements are compared each day")
    settlement_due: float = setting(
        7 * 86_400.0, doc="How long after its capture a payment may be in no settlement before that is a difference"
    )
    webhook_silence: float = setting(
        1800.0, doc="How long payments may be captured without any webhook before that raises an alarm"
    )


@dataclass(frozen=True, kw_only=True)
class PaymentsSettings(
    RazorpaySettings,
    SellerSettings,
    CheckoutSettings,
    LinkSettings,
    RefundSettings,
    DisputeSettings,
    ReconciliationSettings,
):
    """Those of the adapter for Razorpay, and the module's own."""

    def __post_init__(self) -> None:
        RazorpaySettings.__post_init__(self)
        SellerSettings.__post_init__(self)
        CheckoutSettings.__post_init__(self)
        LinkSettings.__post_init__(self)
        RefundSettings.__post_init__(self)
