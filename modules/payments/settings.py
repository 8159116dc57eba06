"""The settings of payments, `KSMP_PAYMENTS_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import SettingsError, setting


@dataclass(frozen=True, kw_only=True)
class RazorpaySettings:
    """Where Razorpay is, who we are there, and how long it is waited for."""

    key_id: str = setting("", doc="Razorpay's key id; pages that take payments show it", production=True)
    key_secret: str = setting(
        "", doc="The secret of that key: it signs our calls, and Razorpay's callbacks", secret=True, production=True
    )
    former_key_secrets: tuple[str, ...] = setting(
        (), doc="Secrets of keys that were replaced; callbacks that they signed are still taken", secret=True
    )
    webhook_secrets: tuple[str, ...] = setting(
        (),
        doc="Secrets that webhooks are signed with; several while one replaces another",
        secret=True,
        production=True,
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


@dataclass(frozen=True, kw_only=True)
class PaymentsSettings(RazorpaySettings):
    """Those of the adapter for Razorpay, and the module's own."""
