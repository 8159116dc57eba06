"""Endpoints that drive the stand-in, beside AWS' own API: the encoder, participants, faults, and what happened so far.

Everything is JSON under `/_devcloud/`; a bad request gets a 4xx with `message`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

import msgspec

from devcloud.clamd import Clamd, ScannerAnswer, ScannerState
from devcloud.cloud import Cloud
from devcloud.document import Document
from devcloud.errors import Refused
from devcloud.faults import Faults
from devcloud.ivs import streams
from devcloud.quotas import MOST
from devcloud.razorpay.api import ERRORS
from devcloud.razorpay.operations import operations
from devcloud.realtime import stages
from devcloud.s3.signatures import AccessKeys
from devcloud.wire import Request, Response

PREFIX = "/_devcloud/"

# Either of these tags on a channel names the session that it is for; a channel may also be named for it.
SESSION_TAGS = ("ksmp:session", "session")


class StreamTarget(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Names a stream: by the ARN of its channel, or by a session that has a channel.

    `reconnect` is for a start, `health` and `viewers` are for a change of what is live.
    """

    arn: str = ""
    session: str = ""
    reconnect: bool = False
    health: Literal["HEALTHY", "STARVING"] | None = None
    viewers: Annotated[int, msgspec.Meta(ge=0)] | None = None


class JoinTarget(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A participant to join a stage, by their token."""

    token: str
    publish: bool = False


class LeaveTarget(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A participant to leave a stage."""

    stage_arn: str = msgspec.field(name="stageArn")
    participant_id: str = msgspec.field(name="participantId")


class AccessKey(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A key pair whose signatures are checked from now on."""

    id: str
    secret: str


class Control:
    """The endpoints by method and path."""

    def __init__(self, cloud: Cloud, keys: AccessKeys, clamd: Clamd, missing: Callable[[], list[str]]) -> None:
        self._cloud = cloud
        self._keys = keys
        self._clamd = clamd
        self._missing = missing
        self._routes: dict[tuple[str, str], Callable[[Request], Awaitable[object]]] = {
            ("GET", "health"): self._health,
            ("GET", "calls"): self._calls,
            ("GET", "faults"): self._faults,
            ("PUT", "faults"): self._set_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("PUT", "access-keys"): self._add_key,
            ("GET", "scanner"): self._scanner,
            ("PUT", "scanner"): self._set_scanner,
            ("POST", "streams/start"): self._start,
            ("POST", "streams/stop"): self._stop,
            ("POST", "streams/health"): self._change,
            ("POST", "participants/join"): self._join,
            ("POST", "participants/leave"): self._leave,
            ("GET", "events"): self._events,
            ("POST", "events/settle"): self._settle,
            ("GET", "metadata"): self._metadata,
            ("DELETE", "state"): self._clear,
        }

    async def answer(self, request: Request) -> Response:
        """The answer to a request below `PREFIX`."""
        route = self._routes.get((request.method, request.path.removeprefix(PREFIX)))
        if route is None:
            return _json({"message": f"{request.method} {request.path} is nothing"}, 404)
        try:
            return _json(await route(request))
        except (Refused, msgspec.DecodeError) as error:
            code = error.code if isinstance(error, Refused) else "ValidationException"
            return _json({"code": code, "message": str(error)}, 400)

    async def _health(self, request: Request) -> Document:
        place = self._cloud.place
        return {"region": place.region, "account": place.account, "not_built": self._missing()}

    async def _calls(self, request: Request) -> Document:
        return {"calls": dict(self._cloud.faults.calls)}

    async def _faults(self, request: Request) -> Faults:
        return self._cloud.faults.faults

    async def _set_faults(self, request: Request) -> Faults:
        faults = msgspec.json.decode(request.body, type=Faults)
        unknown = set(faults.quotas) - set(MOST)
        if unknown:
            raise Refused("ValidationException", f"There is no quota for {', '.join(sorted(unknown))}.")
        self._check_razorpay(faults)
        self._apply(faults)
        return faults

    def _check_razorpay(self, faults: Faults) -> None:
        for name, fault in faults.operations.items():
            service, _, operation = name.partition(".")
            if service == "razorpay" and not (operation == "*" or operation in operations.names):
                raise Refused("ValidationException", f"Razorpay has no operation {operation}.")
            if service == "razorpay" and fault.error and fault.error not in ERRORS:
                raise Refused("ValidationException", f"A fault of Razorpay is one of {', '.join(ERRORS)}.")

    async def _clear_faults(self, request: Request) -> Faults:
        self._apply(Faults())
        return self._cloud.faults.faults

    def _apply(self, faults: Faults) -> None:
        self._cloud.faults.set(faults)
        self._cloud.quotas.strict = faults.strict_quotas
        self._cloud.quotas.most = dict(MOST) | faults.quotas

    async def _add_key(self, request: Request) -> Document:
        key = msgspec.json.decode(request.body, type=AccessKey)
        self._keys.secrets[key.id] = key.secret
        return {"ids": sorted(self._keys.secrets)}

    async def _scanner(self, request: Request) -> ScannerAnswer:
        return self._clamd.answer()

    async def _set_scanner(self, request: Request) -> ScannerAnswer:
        await self._clamd.set(msgspec.json.decode(request.body, type=ScannerState))
        return self._clamd.answer()

    async def _start(self, request: Request) -> Document:
        target, arn = self._target(request)
        return self._driven(arn, streams.start(self._cloud, arn, reconnect=target.reconnect))

    async def _stop(self, request: Request) -> Document:
        _, arn = self._target(request)
        return self._driven(arn, streams.end(self._cloud, arn))

    async def _change(self, request: Request) -> Document:
        target, arn = self._target(request)
        return self._driven(arn, streams.change(self._cloud, arn, health=target.health, viewers=target.viewers))

    def _driven(self, arn: str, session: Document) -> Document:
        self._cloud.store.save()
        return {"channelArn": arn, "streamId": session["streamId"]}

    async def _join(self, request: Request) -> Document:
        target = msgspec.json.decode(request.body, type=JoinTarget)
        joined = stages.join(self._cloud, target.token, publish=target.publish)
        self._cloud.store.save()
        return joined

    async def _leave(self, request: Request) -> Document:
        target = msgspec.json.decode(request.body, type=LeaveTarget)
        left = stages.leave(self._cloud, target.stage_arn, target.participant_id)
        self._cloud.store.save()
        return left

    def _target(self, request: Request) -> tuple[StreamTarget, str]:
        """The request, and the ARN of its channel."""
        target = msgspec.json.decode(request.body, type=StreamTarget)
        if bool(target.arn) == bool(target.session):
            raise Refused("ValidationException", "Name either the channel's ARN or the session.")
        if target.arn:
            self._cloud.store.get(target.arn)
            return target, target.arn
        # The newest wins: of an earlier try there may be a channel left.
        for channel in reversed(self._cloud.store.all("channel")):
            tags = channel["tags"]
            if target.session in (*(tags.get(name) for name in SESSION_TAGS), channel["name"]):
                return target, channel["arn"]
        said = f"No channel is tagged for the session {target.session}; a class gets one when it opens."
        raise Refused("ResourceNotFoundException", said)

    async def _events(self, request: Request) -> Document:
        return {"events": list(self._cloud.events.sent)}

    async def _settle(self, request: Request) -> Document:
        await self._cloud.events.settled()
        return {}

    async def _metadata(self, request: Request) -> Document:
        arn = request.parameters.get("arn", [""])[0]
        return {"metadata": self._cloud.store.kept.metadata.get(arn, [])}

    async def _clear(self, request: Request) -> Document:
        self._apply(Faults())
        self._cloud.store.clear()
        self._cloud.events.sent.clear()
        return {}


def _json(answer: object, status: int = 200) -> Response:
    headers = (("content-type", "application/json"),)
    return Response(status=status, headers=headers, body=msgspec.json.encode(answer))
