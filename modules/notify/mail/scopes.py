"""Scopes: which mail a complaint about one mail stops.

A bounce stops all mail to an address: nobody reads it there. A complaint stops the category of the mail, as users turn
categories off. Receipts are apart: whoever complains of reminders still gets the receipt of a payment, and a complaint
about a receipt stops that kind alone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from modules.notify.facade import Kind

ALL: Final = ""


def scope_of(kind: Kind) -> str:
    """What a complaint about a mail of this kind stops."""
    return kind.name if kind.receipt else kind.preference


def is_stopped(kind: Kind, scopes: Collection[str]) -> bool:
    """Whether mail of a kind does not go to an address that has these suppressions."""
    return ALL in scopes or scope_of(kind) in scopes
