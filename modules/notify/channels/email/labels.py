"""What a mail says around its notifications. The translations are in notify's own catalogue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from modules.notify.channels.email.rendering import MailWords
from modules.notify.facade import Plural

LOCALE: Final = Path(__file__).parents[2] / "locale"
DOMAIN: Final = "notify"

OPEN: Final = "Open"
WHY: Final = "You get this mail because mails of this kind are turned on in your settings."
WHY_RECEIPT: Final = "This is a receipt. Receipts are always sent."
UNSUBSCRIBE: Final = "Stop mails of this kind"
TEXTS: Final = (OPEN, WHY, WHY_RECEIPT, UNSUBSCRIBE)
# The subject of a digest.
DIGEST: Final = Plural(one="%(count)s new notification", other="%(count)s new notifications", count="count")


def words_in(translate: Callable[[str], str], *, receipt: bool) -> MailWords:
    return MailWords(
        open=translate(OPEN),
        why=translate(WHY_RECEIPT if receipt else WHY),
        unsubscribe=translate(UNSUBSCRIBE),
    )
