"""One address for Razorpay, FCM, Mixpanel and AWS: by the path, by what a request is signed for; the rest is moto's."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import msgspec

from devcloud import sqs_long_poll, tags
from devcloud.chat import rooms
from devcloud.clamd import Clamd
from devcloud.cloud import Cloud, Handler
from devcloud.control import PREFIX, Control
from devcloud.events import Events
from devcloud.faults import FaultSwitch, OperationFault
from devcloud.fcm.stand_in import FcmStandIn
from devcloud.ivs import channels, playback, recorder, recording, streams
from devcloud.mixpanel.stand_in import MixpanelStandIn
from devcloud.model import SERVICES, Models
from devcloud.moto_server import MotoServer
from devcloud.names import Place
from devcloud.quotas import Quotas
from devcloud.razorpay.settings import Settings as RazorpaySettings
from devcloud.razorpay.stand_in import RazorpayStandIn
from devcloud.realtime import compositions, configurations, keys, stages
from devcloud.s3.front import S3Front
from devcloud.s3.signatures import AccessKeys
from devcloud.service import FRAMEWORK, Services
from devcloud.ses.stand_in import SesStandIn
from devcloud.store import Store
from devcloud.wire import Receive, Request, Response, Scope, Send, receive_request

log = logging.getLogger(__name__)

QUEUE = "ksmp-ivs-events"
MAIL_QUEUE = "ksmp-ses-events"
BUCKETS = ("ksmp-recordings", "ksmp-uploads")
# Of the gateways of `ksmp dev`; what they sign for S3 is checked.
ACCESS_KEYS = {"devcloud": "devcloud"}

BUILT = (
    channels.handlers,
    streams.handlers,
    recording.handlers,
    playback.handlers,
    keys.handlers,
    stages.handlers,
    compositions.handlers,
    configurations.handlers,
    rooms.handlers,
    *(tags.handlers(service) for service in SERVICES),
)


def built() -> dict[str, Handler]:
    """Every handler, by operation."""
    return {key: handler for group in BUILT for key, handler in group.built.items()}


class App:
    """The ASGI application at `host` (`address:port`).

    `folder` keeps the state of IVS and of Razorpay; S3 and SQS forget theirs.

    `queue` gets the events of IVS; it and `buckets` are there from the start. `access_keys` are secrets by id. A
    stand-in for clamd listens on `clamd_port`, or on a port that is free.
    """

    def __init__(
        self,
        host: str,
        place: Place,
        *,
        queue: str = QUEUE,
        buckets: Sequence[str] = BUCKETS,
        access_keys: Mapping[str, str] = ACCESS_KEYS,
        folder: Path | None = None,
        clamd_port: int = 0,
        razorpay: RazorpaySettings | None = None,
    ) -> None:
        moto = MotoServer(place, host, (queue, MAIL_QUEUE), buckets)
        faults = FaultSwitch()
        self.cloud = Cloud(
            place=place,
            url=f"http://{host}",
            store=Store(folder),
            faults=faults,
            quotas=Quotas(),
            events=Events(place, faults, functools.partial(moto.send_message, queue)),
            moto=moto,
        )
        self.services = Services(self.cloud, Models(), built())
        self.razorpay = RazorpayStandIn(self.cloud.url, faults, razorpay or RazorpaySettings(), folder)
        self.ses = SesStandIn(place, faults, functools.partial(moto.send_message, MAIL_QUEUE))
        self._fcm = FcmStandIn(self.cloud.url, folder)
        self._mixpanel = MixpanelStandIn()
        keys = AccessKeys(access_keys)
        self._s3 = S3Front(moto, faults, keys, place.region, buckets)
        self._clamd = Clamd(host.rpartition(":")[0], clamd_port)
        self._control = Control(self.cloud, keys, self._clamd, lambda: self.services.missing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            request = await receive_request(scope, receive)
            gone = asyncio.Event()
            watching = asyncio.create_task(_watch(receive, gone))
            try:
                response = await self._answer(request, gone)
            finally:
                watching.cancel()
            if not gone.is_set():
                await response.send(send, head=request.method == "HEAD")

    async def _answer(self, request: Request, gone: asyncio.Event) -> Response:
        if self.razorpay.speaks(request):
            return await self.razorpay.answer(request)
        _, signed = request.scope
        if self.ses.speaks(request, signed):
            return await self.ses.answer(request)
        if self._fcm.speaks(request):
            return await self._fcm.answer(request)
        if self._mixpanel.speaks(request):
            return await self._mixpanel.answer(request)
        if request.path.startswith(PREFIX):
            return await self._control.answer(request)
        if self.services.speaks(signed):
            return await self.services.answer(request)
        if request.path.startswith(playback.PREFIX):
            response = playback.watch(self.cloud, request)
            self.cloud.store.save()
            return response
        if self._s3.speaks(request, signed):
            return await self._s3.answer(request)
        return await self._moto(request, signed, gone)

    async def _moto(self, request: Request, signed: str, gone: asyncio.Event) -> Response:
        """Let moto answer, with the faults of its services."""
        operation = request.header("x-amz-target").rpartition(".")[2] or request.method
        key = f"{signed}.{operation}"
        fault = await self.cloud.faults.hit(key, when="before")
        if fault is None:
            response = await self._forward(request, key, gone)
            fault = await self.cloud.faults.hit(key, when="after")
        return _failed(fault) if fault is not None else response

    async def _forward(self, request: Request, key: str, gone: asyncio.Event) -> Response:
        try:
            if key == "sqs.ReceiveMessage":
                return await sqs_long_poll.receive(self.cloud.moto, request, gone)
            return await self.cloud.moto.forward(request)
        except (httpx.HTTPError, ImportError, OSError) as error:
            log.exception("moto does not answer")
            return Response(status=502, body=f"moto does not answer: {error}".encode())

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._clamd.start()
        recorder.resume(self.cloud)
        sending = asyncio.create_task(self.cloud.events.run())
        async with self.razorpay.running(), self.ses.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await self._clamd.stop()
        await self.cloud.moto.stop()
        await send({"type": "lifespan.shutdown.complete"})


async def _watch(receive: Receive, gone: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()


def _failed(fault: OperationFault) -> Response:
    message = fault.message or "A test wanted it to fail."
    status = FRAMEWORK.get(fault.error, 500)
    headers = (("content-type", "application/x-amz-json-1.0"), ("x-amzn-errortype", fault.error))
    return Response(
        status=status, headers=headers, body=msgspec.json.encode({"__type": fault.error, "message": message})
    )
