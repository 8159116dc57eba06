"""The room log: the stream ROOMS, which stores every durable message and republishes it to the nodes.

A message that was acknowledged is stored. The stream gives the order, and it is the same on every node. A message whose
id was stored within the last two minutes is not stored again.
"""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.api import RePublish, StreamConfig, StreamInfo
from nats.js.errors import APIError, BadRequestError, NotFoundError
from nats.js.errors import Error as JetStreamError

from gateway import failpoint
from gateway.backoff import Backoff
from gateway.bus import log_record
from gateway.bus.client import NotPermitted
from gateway.bus.connection import NatsBus, told
from gateway.bus.direct import DirectReader
from gateway.bus.single_flight import SingleFlight
from gateway.errors import KsmpError, Unavailable
from gateway.protocol.names import RoomName
from gateway.protocol.stored_push import Erased, StoredPush

log = structlog.get_logger(__name__)

DUPLICATE_WINDOW: Final = 120.0
BATCH: Final = 500
HEADS: Final = 1024
STALE_TRIES: Final = 3
ERASED_AT_ONCE: Final = 32
# JetStream's errors for a message that it has no room for: limits of the account, the server and the stream.
FULL: Final = frozenset({10002, 10023, 10028, 10047, 10077})
TOO_LARGE: Final = 10054
# A log that did not store gets so many seconds for a publish, and clients come again after so many.
FULL_PATIENCE: Final = 2.0
FULL_WAIT: Final = 5.0
# A message of no room, to see whether the log stores again.
PROBE: Final = f"{log_record.IN}gateway.probe"

FirstSequence = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Stored:
    """A publish that the log acknowledged. `retried` when it took more than one try."""

    seq: int
    duplicate: bool
    retried: bool


class _Range(msgspec.Struct, frozen=True):
    """The extent of the stream, over all rooms."""

    first_seq: int
    last_seq: int


class _Info(msgspec.Struct, frozen=True):
    state: _Range


class _Error(msgspec.Struct, frozen=True):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Ack(msgspec.Struct, frozen=True):
    """JetStream's answer to a publish."""

    seq: int = 0
    duplicate: bool = False
    error: _Error | None = None


class _Full(Exception):
    """JetStream has no room for a message."""


_read_info = msgspec.json.Decoder(_Info).decode
_read_ack = msgspec.json.Decoder(_Ack).decode


class RoomLog:
    """Writes and reads the stream ROOMS."""

    def __init__(self, bus: NatsBus, *, replicas: int, retention: float, publish_timeout: float) -> None:
        self._bus = bus
        self._replicas = replicas
        self._retention = retention
        self._publish_timeout = publish_timeout
        self._direct = DirectReader(bus, log_record.STREAM)
        self._range: SingleFlight[_Range] = SingleFlight(self._ask_range)
        self.epoch = ""
        # By its last answers: `ok`, `full`, or `away` while JetStream does not answer a publish.
        self.state = "ok"

    async def start(self, first_sequence: FirstSequence) -> None:
        await self._direct.start()
        await self.refresh_epoch(first_sequence)

    async def refresh_epoch(self, first_sequence: FirstSequence) -> bool:
        """Create the stream when it is missing and read its epoch; whether the epoch has changed.

        `first_sequence` gives the sequence that a new stream starts at. It is above every archived sequence, so that
        the history of a room stays one ascending sequence. Raises Unavailable.
        """
        try:
            info = await self._info() or await self._create(await first_sequence())
        except (NatsError, JetStreamError, TimeoutError) as error:
            raise Unavailable(f"JetStream does not answer: {error or type(error).__name__}") from error
        epoch = f"{int(info.created.timestamp() * 1_000_000):x}" if info.created else "0"
        changed = bool(self.epoch) and epoch != self.epoch
        self.epoch = epoch
        return changed

    async def first(self) -> int:
        """The oldest sequence the stream still holds, over all rooms; raises Unavailable."""
        return (await self._range()).first_seq

    async def last(self) -> int:
        """The newest sequence of the stream, over all rooms, as its leader knows it; raises Unavailable.

        Everything acknowledged before the call is at or below it. Callers at the same moment share one request.
        """
        return (await self._range()).last_seq

    async def publish(self, room: RoomName, body: bytes, message_id: str) -> Stored:
        """Store one message; returns at its acknowledgement.

        A publish that fails is retried with the same id for `publish_timeout` seconds, for example while the stream
        elects a leader. Then Unavailable is raised, and the message may have been stored all the same. There is less
        time while the log is known not to store. Raises BadInput `too_large` for what NATS does not take.
        """
        subject = log_record.subject(log_record.IN, room)
        headers = {log_record.MESSAGE_ID: message_id}
        patience = self._publish_timeout
        started = time.monotonic()
        backoff = Backoff(0.05, 1.0)
        retried = False
        while True:
            if self.state != "ok":
                patience = min(patience, FULL_PATIENCE)
            left = started + patience - time.monotonic()
            try:
                await self._bus.wait_up(left)
                ack = await self._store(subject, body, headers, min(2.0, left))
                await failpoint.pause("ack.delay")
                if failpoint.drop("ack.lost", message_id):
                    raise TimeoutError
                self._note("ok")
                return Stored(ack.seq, ack.duplicate, retried)
            except (MaxPayloadError, NotPermitted) as error:
                # Another try would end the same way.
                raise told(error) from error
            except (_Full, NatsError, msgspec.DecodeError, TimeoutError, OSError) as error:
                if isinstance(error, _Full):
                    self._note("full", str(error))
                # There is no time for another try. The client learns at once that it has to repeat the command.
                if started + patience - time.monotonic() < backoff.pause:
                    # A server that cannot write to its disk does not answer at all.
                    if self._bus.up and self.state == "ok":
                        self._note("away", "no acknowledgement")
                    wait = FULL_WAIT if self.state == "full" else 1.0
                    raise Unavailable("the room log did not acknowledge in time", retry_after=wait) from error
            retried = True
            await asyncio.sleep(backoff.next())

    async def probe(self) -> None:
        """Try whether a log that did not store does so again."""
        if self.state == "ok":
            return
        try:
            body = log_record.encode_payload("", b"null")
            await self._store(PROBE, body, {log_record.MESSAGE_ID: uuid.uuid4().hex}, FULL_PATIENCE)
        except (_Full, KsmpError, NatsError, msgspec.DecodeError, TimeoutError, OSError):
            return
        self._note("ok")

    async def _store(self, subject: str, body: bytes, headers: dict[str, str], timeout: float) -> _Ack:
        """One try; raises _Full when there is no room, and TimeoutError for JetStream's other errors."""
        answer = await self._bus.client.request(subject, body, timeout=timeout, headers=headers)
        ack = _read_ack(answer.data)
        if ack.error is None:
            return ack
        if ack.error.err_code == TOO_LARGE:
            raise MaxPayloadError
        if ack.error.err_code in FULL:
            raise _Full(ack.error.description)
        raise TimeoutError(ack.error.description)

    def _note(self, state: str, reason: str = "") -> None:
        if state == self.state:
            return
        self.state = state
        if state == "ok":
            log.info("log.stores_again")
        else:
            log.error("log.not_storing", state=state, reason=reason)

    async def head(self, room: RoomName) -> int:
        """The newest sequence of the room as the stream's leader knows it, 0 when it has none."""
        message = await self._ask_leader({"last_by_subj": log_record.subject(log_record.IN, room)})
        return message.seq if message is not None else 0

    async def get(self, room: RoomName, seq: int) -> StoredPush | None:
        """One message of the room, as the stream's leader knows it; None when it is not there."""
        message = await self._ask_leader({"seq": seq})
        return message if message is not None and message.room == str(room) else None

    async def heads(self, rooms: Sequence[RoomName]) -> dict[str, int]:
        """The newest sequence of each room, from any replica; rooms without messages are left out."""
        result: dict[str, int] = {}
        for start in range(0, len(rooms), HEADS):
            subjects = [log_record.subject(log_record.IN, room) for room in rooms[start : start + HEADS]]
            batch = await self._direct.get({"multi_last": subjects, "batch": HEADS}, timeout=1.0)
            for _, headers in batch.messages:
                result[log_record.room_of(headers[log_record.SUBJECT])] = int(headers[log_record.SEQUENCE])
        return result

    async def read(self, room: RoomName, start: int, *, limit: int = BATCH) -> tuple[list[StoredPush], bool]:
        """Messages of the room from sequence `start` on, ascending, and whether there are more.

        Any replica answers. The newest messages may be missing; none before them is.
        """
        return await self._read({"seq": max(1, start)}, log_record.subject(log_record.IN, room), limit)

    async def read_kind(self, kind: str, start: int, *, limit: int = BATCH) -> tuple[list[StoredPush], bool]:
        """The same over all rooms of a kind, in the order of the stream."""
        return await self._read({"seq": max(1, start)}, f"{log_record.IN}{kind}.*", limit)

    async def read_since(self, room: RoomName, at: float, *, limit: int = BATCH) -> tuple[list[StoredPush], bool]:
        """The same from a time on, in seconds since the Unix epoch."""
        start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
        return await self._read({"start_time": start}, log_record.subject(log_record.IN, room), limit)

    async def between(
        self, room: RoomName, after: int, until: int, *, limit: int | None = None, tries: int = STALE_TRIES
    ) -> list[StoredPush]:
        """Every message of the room with `after` < seq <= `until` that the log still holds.

        With a `limit`, the read stops early once it has more than `limit` messages.

        A replica may be stale, so an answer counts only when it reaches `until`. After a few tries the stream's leader
        is asked. It is slower and exact, which is needed because `until` itself may have been erased.
        """
        found: list[StoredPush] = []
        position = after
        for attempt in range(tries):
            more = True
            while more and position < until:
                batch, more = await self.read(room, position + 1)
                if failpoint.drop("direct.stale", (room, batch)):
                    batch, more = [], False
                found += batch
                position = batch[-1].seq if batch else position
                if limit is not None and len(found) > limit:
                    return found
            if position >= until:
                return [push for push in found if push.seq <= until]
            if attempt + 1 < tries:
                await asyncio.sleep(0.1 * (attempt + 1))
        subject = log_record.subject(log_record.IN, room)
        while position < until:
            message = await self._ask_leader({"seq": position + 1, "next_by_subj": subject})
            if message is None:
                break
            found.append(message)
            position = message.seq
        return [push for push in found if push.seq <= until]

    async def before(self, room: RoomName, seq: int, limit: int, *, first: int) -> list[StoredPush]:
        """The newest `limit` messages of the room below `seq`, ascending, down to the stream's `first`.

        JetStream reads forward only, so the stream is read in growing windows from the end. This is fast when the room
        has a message at `seq - 1` or later. Otherwise the leader is asked whether it has.
        """
        pages: list[list[StoredPush]] = []
        count, end, window = 0, seq, 1024
        while count < limit and end > first:
            start = max(first, end - window)
            # The room need not have a message at the end of the window, so a stale replica is not asked again. Many
            # quiet rooms that are resumed at once would take longer than a client has for its connect.
            page = await self.between(room, start - 1, end - 1, tries=1)
            pages.append(page)
            count += len(page)
            end, window = start, window * 4
        return [push for page in reversed(pages) for push in page][-limit:]

    async def erase(self, seq: int) -> None:
        """Erase one message from the stream; a message that is gone already is no error. Raises Unavailable."""
        try:
            reply = await self._api("STREAM.MSG.DELETE", {"seq": seq}, errors=True)
        except (NatsError, TimeoutError) as error:
            raise Unavailable("the room log did not erase in time") from error
        # 10037: no such message; 10043: no such sequence; 10057: the message could not be erased, it is not there.
        if "error" in reply and reply["error"].get("err_code") not in (10037, 10043, 10057):
            raise Unavailable(f"the room log refused to erase: {reply['error'].get('description')}")

    async def erase_all(self, targets: Sequence[Erased]) -> None:
        """Erase the targets of a stored tombstone; raises Unavailable when one could not be, after some tries."""
        for start in range(0, len(targets), ERASED_AT_ONCE):
            some = targets[start : start + ERASED_AT_ONCE]
            await asyncio.gather(*(self._erase_surely(target.seq) for target in some))

    async def _erase_surely(self, seq: int) -> None:
        for attempt in range(3):
            try:
                await self.erase(seq)
                break
            except Unavailable:
                if attempt == 2:
                    raise
                await asyncio.sleep(0.2 * (attempt + 1))

    async def _read(self, start: Mapping[str, Any], subject: str, limit: int) -> tuple[list[StoredPush], bool]:
        batch = await self._direct.get({**start, "batch": limit, "next_by_subj": subject})
        return [log_record.from_headers(body, headers) for body, headers in batch.messages], batch.pending > 0

    async def _ask_leader(self, query: Mapping[str, Any]) -> StoredPush | None:
        reply = await self._api("STREAM.MSG.GET", query, errors=True)
        if "error" in reply:
            if reply["error"].get("code") == 404:
                return None
            raise Unavailable(f"the room log answered: {reply['error'].get('description')}")
        message = reply["message"]
        headers = _headers(base64.b64decode(message.get("hdrs", "")))
        return log_record.decode_record(
            base64.b64decode(message.get("data", "")),
            room=log_record.room_of(message["subject"]),
            seq=message["seq"],
            at=log_record.milliseconds(message["time"]),
            message_id=headers.get(log_record.MESSAGE_ID, ""),
        )

    async def _api(self, call: str, query: Mapping[str, Any], *, errors: bool = False) -> dict[str, Any]:
        message = await self._bus.request(f"$JS.API.{call}.{log_record.STREAM}", msgspec.json.encode(query))
        reply: dict[str, Any] = msgspec.json.decode(message.data)
        if "error" in reply and not errors:
            raise Unavailable(f"the room log answered: {reply['error'].get('description')}")
        return reply

    async def _ask_range(self) -> _Range:
        message = await self._bus.request(f"$JS.API.STREAM.INFO.{log_record.STREAM}", b"")
        try:
            return _read_info(message.data).state
        except msgspec.DecodeError as error:
            raise Unavailable("the room log does not answer") from error

    async def _info(self) -> StreamInfo | None:
        try:
            return await self._bus.jetstream.stream_info(log_record.STREAM)
        except NotFoundError:
            return None

    async def _create(self, first_sequence: int) -> StreamInfo:
        config = StreamConfig(
            name=log_record.STREAM,
            description="Durable messages of every room; republished to the gateways",
            subjects=[f"{log_record.IN}>"],
            republish=RePublish(src=f"{log_record.IN}>", dest=f"{log_record.OUT}>"),
            allow_direct=True,
            max_age=self._retention,
            duplicate_window=min(DUPLICATE_WINDOW, self._retention),
            num_replicas=self._replicas,
            first_seq=max(1, first_sequence),
        )
        try:
            info = await self._bus.jetstream.add_stream(config)
            log.info("log.created", first_seq=first_sequence)
            return info
        except (BadRequestError, APIError):
            # Another gateway created it in the same moment, with a first sequence of its own.
            existing = await self._info()
            if existing is None:
                raise
            return existing


def _headers(raw: bytes) -> dict[str, str]:
    lines = raw.decode("utf-8", "replace").split("\r\n")[1:]
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
