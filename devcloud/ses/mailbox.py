"""The mails that were taken, as they came, and what becomes of each recipient's."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final, Literal

import msgspec

from devcloud.clock import now, stamp
from devcloud.document import Document

KEPT: Final = 5000

Fate = Literal["delivered", "bounced", "transient", "suppressed", "complained", "rejected", "lost"]
# SES's own mailbox simulator, with labels: `bounce+anything@simulator.amazonses.com`.
SIMULATOR: Final = "simulator.amazonses.com"
SIMULATED: Final[dict[str, Fate]] = {
    "success": "delivered",
    "ooto": "delivered",
    "bounce": "bounced",
    "complaint": "complained",
    "suppressionlist": "suppressed",
}


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One call of SendEmail. `raw` is the MIME message as it came; SES would replace its Message-ID by its own."""

    id: str
    at: str
    sender: str
    recipients: tuple[str, ...]
    configuration_set: str
    tags: dict[str, str]
    raw: bytes

    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    def shown(self) -> Document:
        """The mail as the list of the control endpoints has it."""
        message = self.message()
        text, html = message.get_body(("plain",)), message.get_body(("html",))
        return {
            "id": self.id,
            "at": self.at,
            "from": str(message["From"]),
            "to": list(self.recipients),
            "subject": str(message["Subject"]),
            "headers": [[name, str(value)] for name, value in message.items()],
            "tags": self.tags,
            "text": text.get_content() if text is not None else "",
            "html": html.get_content() if html is not None else "",
            "bytes": len(self.raw),
        }


class Mailbox:
    """The newest mails, oldest first, and what happens to the mails of an address from now on."""

    def __init__(self) -> None:
        self.mails: OrderedDict[str, Mail] = OrderedDict()
        self.fates: dict[str, Fate] = {}

    def keep(
        self, sender: str, recipients: tuple[str, ...], configuration_set: str, tags: dict[str, str], raw: bytes
    ) -> Mail:
        mail = Mail(
            id=f"0100{uuid.uuid4().hex[:12]}-{uuid.uuid4()}-000000",
            at=stamp(now()),
            sender=sender,
            recipients=recipients,
            configuration_set=configuration_set,
            tags=tags,
            raw=raw,
        )
        self.mails[mail.id] = mail
        while len(self.mails) > KEPT:
            self.mails.popitem(last=False)
        return mail

    def fate(self, address: str) -> Fate:
        local, _, domain = address.lower().rpartition("@")
        if domain == SIMULATOR:
            return SIMULATED.get(local.partition("+")[0], "delivered")
        return self.fates.get(address.lower(), "delivered")
