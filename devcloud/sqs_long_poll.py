"""Long polls of SQS, without holding one of moto's threads.

moto would go on to poll for a client that is gone, and give it what nobody reads: the message is away until its
visibility timeout. Here a poll ends with its client, and what is sent is received at once.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time

import msgspec

from devcloud.document import Document
from devcloud.moto_server import MotoServer
from devcloud.wire import Request, Response

# A message may become visible again without anyone sending it.
RECHECK = 1.0


async def receive(moto: MotoServer, request: Request, gone: asyncio.Event) -> Response:
    """Answer one ReceiveMessage; `gone` is set when the client no longer waits for it."""
    document = _document(request)
    seconds = document.get("WaitTimeSeconds")
    if not isinstance(seconds, int) or not 0 < seconds <= 20:
        return await moto.forward(request)
    body = msgspec.json.encode(document | {"WaitTimeSeconds": 0})
    now = dataclasses.replace(request, body=body)
    deadline = time.monotonic() + seconds
    while True:
        news = moto.news
        answer = await moto.forward(now)
        left = deadline - time.monotonic()
        if answer.status != 200 or b'"Messages"' in answer.body or left <= 0:
            return answer
        await _first(news, gone, min(left, RECHECK))
        if gone.is_set():
            return answer


def _document(request: Request) -> Document:
    try:
        return msgspec.json.decode(request.body, type=Document)
    except msgspec.DecodeError:
        return {}


async def _first(one: asyncio.Event, other: asyncio.Event, seconds: float) -> None:
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
