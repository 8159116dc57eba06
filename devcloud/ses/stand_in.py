"""The stand-in for SES: SendEmail of its API v2, and the endpoints that show its mails and say what becomes of them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr
from typing import Any, Final

import msgspec

from devcloud.errors import Refused
from devcloud.faults import FaultSwitch
from devcloud.names import Place
from devcloud.ses.events import MailEvents
from devcloud.ses.mailbox import Fate, Mail, Mailbox
from devcloud.wire import Request, Response

SEND: Final = "/v2/email/outbound-emails"
PREFIX: Final = "/_devcloud/ses/"
ADDRESS: Final = re.compile(r"[^\s@<>]+@[^\s@<>]+")
TAG: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
MOST_RECIPIENTS: Final = 50
MOST_BYTES: Final = 40 * 1024 * 1024
# The errors of SendEmail, and what any service may answer.
ERRORS: Final = {
    "TooManyRequestsException": 429,
    "LimitExceededException": 400,
    "AccountSuspendedException": 400,
    "SendingPausedException": 400,
    "MessageRejected": 400,
    "MailFromDomainNotVerifiedException": 400,
    "NotFoundException": 404,
    "BadRequestException": 400,
    "InternalServerException": 500,
    "ServiceUnavailable": 503,
    "AccessDeniedException": 403,
    "NotImplemented": 501,
}


class Destination(msgspec.Struct, kw_only=True):
    to: list[str] = msgspec.field(name="ToAddresses", default_factory=list)
    cc: list[str] = msgspec.field(name="CcAddresses", default_factory=list)
    bcc: list[str] = msgspec.field(name="BccAddresses", default_factory=list)


class Tag(msgspec.Struct, kw_only=True):
    name: str = msgspec.field(name="Name")
    value: str = msgspec.field(name="Value")


class SendEmail(msgspec.Struct, kw_only=True):
    """A request, as far as it matters here."""

    content: dict[str, Any] = msgspec.field(name="Content")
    sender: str = msgspec.field(name="FromEmailAddress", default="")
    destination: Destination = msgspec.field(name="Destination", default_factory=Destination)
    tags: list[Tag] = msgspec.field(name="EmailTags", default_factory=list)
    configuration_set: str = msgspec.field(name="ConfigurationSetName", default="")


class Recipient(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What becomes of the mails of an address from now on."""

    address: str
    becomes: Fate


class Complaint(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A mail that its reader marks as spam."""

    id: str


class SesStandIn:
    """`deliver` puts an event on the queue."""

    def __init__(self, place: Place, faults: FaultSwitch, deliver: Callable[[str], Awaitable[None]]) -> None:
        self._place = place
        self._faults = faults
        self._mailbox = Mailbox()
        self._events = MailEvents(place, deliver)

    def speaks(self, request: Request, signed: str) -> bool:
        return signed == "ses" or request.path.startswith(PREFIX)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        sending = asyncio.create_task(self._events.run())
        try:
            yield
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def answer(self, request: Request) -> Response:
        if request.path.startswith(PREFIX):
            return await self._control(request)
        try:
            region, _ = request.scope
            if region != self._place.region:
                raise Refused("AccessDeniedException", f"The region is {self._place.region} here.")
            if (request.method, request.path) != ("POST", SEND):
                raise Refused("NotImplemented", f"{request.method} {request.path} is not built in the stand-in.")
            return await self._send(request)
        except Refused as refused:
            status = ERRORS.get(refused.code, 500)
            headers = (*_headers(), ("x-amzn-errortype", refused.code))
            return Response(status=status, headers=headers, body=msgspec.json.encode({"message": refused.message}))

    async def _send(self, request: Request) -> Response:
        if (fault := await self._faults.hit("ses.SendEmail", when="before")) is not None:
            if fault.error == "cut":
                return Response(cut=True)
            raise Refused(fault.error, fault.message or "A test wanted it to fail.")
        try:
            ask = msgspec.json.decode(request.body, type=SendEmail)
        except msgspec.DecodeError as error:
            raise Refused("BadRequestException", str(error)) from None
        mail = self._take(ask)
        fates = {address: self._mailbox.fate(address) for address in mail.recipients}
        self._events.emit(mail, fates)
        if (fault := await self._faults.hit("ses.SendEmail", when="after")) is not None:
            # It was taken, and only the answer is lost.
            if fault.error == "cut":
                return Response(cut=True)
            raise Refused(fault.error, fault.message or "A test wanted it to fail.")
        return Response(headers=_headers(), body=msgspec.json.encode({"MessageId": mail.id}))

    def _take(self, ask: SendEmail) -> Mail:
        raw, message = _content(ask)
        named = [*ask.destination.to, *ask.destination.cc, *ask.destination.bcc]
        # Without a destination, those of the headers.
        named = named or [str(message[name]) for name in ("To", "Cc", "Bcc") if message[name]]
        recipients = tuple(address for _, address in getaddresses(named))
        sender = parseaddr(ask.sender or str(message["From"]))[1]
        if not recipients or len(recipients) > MOST_RECIPIENTS:
            raise Refused("BadRequestException", f"A message has 1 to {MOST_RECIPIENTS} recipients.")
        for address in (*recipients, sender):
            if not ADDRESS.fullmatch(address) or not address.isascii():
                raise Refused("BadRequestException", f"Invalid address: {address!r}")
        for tag in ask.tags:
            if not TAG.fullmatch(tag.name) or not TAG.fullmatch(tag.value):
                raise Refused("BadRequestException", f"Tag {tag.name}={tag.value}: letters, digits, _ and - alone.")
        tags = {tag.name: tag.value for tag in ask.tags}
        return self._mailbox.keep(sender, recipients, ask.configuration_set, tags, raw)

    async def _control(self, request: Request) -> Response:
        name = request.path.removeprefix(PREFIX)
        try:
            match request.method, name.split("/"):
                case "GET", ["mails"]:
                    to = request.parameters.get("to", [""])[0]
                    mails = [mail for mail in reversed(self._mailbox.mails.values()) if not to or to in mail.recipients]
                    return _json({"mails": [mail.shown() for mail in mails[: _limit(request)]]})
                case "GET", ["mails", id, "raw"] if id in self._mailbox.mails:
                    headers = (("content-type", "text/plain; charset=utf-8"),)
                    return Response(headers=headers, body=self._mailbox.mails[id].raw)
                case "GET", ["mails", id] if id in self._mailbox.mails:
                    return _json(self._mailbox.mails[id].shown())
                case "DELETE", ["mails"]:
                    self._mailbox.mails.clear()
                    return _json({})
                case "PUT", ["recipients"]:
                    recipient = msgspec.json.decode(request.body, type=Recipient)
                    self._mailbox.fates[recipient.address.lower()] = recipient.becomes
                    return _json(recipient)
                case "POST", ["complaints"]:
                    complaint = msgspec.json.decode(request.body, type=Complaint)
                    mail = self._mailbox.mails[complaint.id]
                    self._events.complain(mail, mail.recipients[0])
                    return _json({})
                case "POST", ["settle"]:
                    await self._events.settled()
                    return _json({})
        except (msgspec.DecodeError, KeyError) as error:
            return _json({"message": str(error)}, 400)
        return _json({"message": f"{request.method} {request.path} is nothing"}, 404)


def _content(ask: SendEmail) -> tuple[bytes, EmailMessage]:
    """The message as bytes and as it reads. Raises Refused."""
    raw = ask.content.get("Raw")
    if not isinstance(raw, dict) or not isinstance(raw.get("Data"), str):
        # The others do not show the headers that matter: they are left to who needs them.
        raise Refused("NotImplemented", "Only Raw content is built in the stand-in.")
    try:
        body = base64.b64decode(raw["Data"], validate=True)
    except binascii.Error:
        raise Refused("BadRequestException", "Data is no base64.") from None
    if len(body) > MOST_BYTES:
        raise Refused("MessageRejected", "The message is too large.")
    mail = Mail(id="", at="", sender="", recipients=(), configuration_set="", tags={}, raw=body)
    message = mail.message()
    head = body.partition(b"\r\n\r\n")[0]
    if b"\r\n\r\n" not in body or any(len(line) > 998 for line in head.split(b"\r\n")):
        raise Refused("BadRequestException", "Headers end with an empty line, and have at most 998 bytes a line.")
    if message.defects or not message["From"]:
        raise Refused("BadRequestException", f"The message cannot be read: {message.defects}")
    return body, message


def _limit(request: Request) -> int:
    written = request.parameters.get("limit", ["100"])[0]
    return int(written) if written.isdigit() else 100


def _headers() -> tuple[tuple[str, str], ...]:
    return (("content-type", "application/json"), ("x-amzn-requestid", str(uuid.uuid4())))


def _json(answer: object, status: int = 200) -> Response:
    return Response(status=status, headers=(("content-type", "application/json"),), body=msgspec.json.encode(answer))
