"""The cloud of a test: the stand-in, or an account of AWS."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Final

import aioboto3
import httpx

REGION: Final = os.environ.get("KSMP_AWS_REGION", "us-east-1")
# A picture that moves and a tone, as IVS likes them: a key frame every two seconds.
ENCODER: Final = (
    *("-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30"),
    *("-f", "lavfi", "-i", "sine=frequency=440", "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"),
    *("-pix_fmt", "yuv420p", "-b:v", "2500k", "-maxrate", "2500k", "-bufsize", "5000k", "-g", "60"),
    *("-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-t", "120", "-f", "flv"),
)


class Cloud:
    """`endpoint` is the stand-in's, and empty for AWS itself."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        # Seconds that a step may take: AWS makes and notices things in its own time.
        self.patience = 90.0 if not endpoint else 20.0
        self._stack = AsyncExitStack()
        self._encoder: asyncio.subprocess.Process | None = None

    async def open(self) -> None:
        session = aioboto3.Session(region_name=REGION)
        opened = self._stack.enter_async_context
        self.ivs: Any = await opened(session.client("ivs", endpoint_url=self.endpoint or None))
        self.realtime: Any = await opened(session.client("ivs-realtime", endpoint_url=self.endpoint or None))
        self.http = await opened(httpx.AsyncClient(timeout=20.0, trust_env=not self.endpoint))

    async def close(self) -> None:
        await self.hang_up()
        await self._stack.aclose()

    @property
    def can_stream(self) -> bool:
        return bool(self.endpoint) or shutil.which("ffmpeg") is not None

    async def stream(self, channel: str, ingest: Any) -> None:
        """Be the mentor's encoder."""
        if self.endpoint:
            await self._drive("streams/start", {"arn": channel})
            return
        target = ingest["server"] + ingest["stream_key"]
        self._encoder = await asyncio.create_subprocess_exec("ffmpeg", *ENCODER, target)

    async def hang_up(self, channel: str = "") -> None:
        if self.endpoint and channel:
            await self._drive("streams/stop", {"arn": channel})
        if self._encoder is not None:
            with contextlib.suppress(ProcessLookupError):
                self._encoder.terminate()
            await self._encoder.wait()
            self._encoder = None

    async def playback_keys(self) -> list[tuple[Any, Any]]:
        """The public halves of playback keys, in IVS and in IVS Real-Time, each with what deletes it."""
        pairs = [(one, self.ivs.delete_playback_key_pair) for one in await self.all(self.ivs.list_playback_key_pairs)]
        keys = [(one, self.realtime.delete_public_key) for one in await self.all(self.realtime.list_public_keys)]
        return pairs + keys

    async def all(self, listing: Callable[..., Awaitable[Any]], **filters: Any) -> list[Any]:
        """Every item of a listing, which is the one list of its pages."""
        found: list[Any] = []
        more: dict[str, str] = {}
        while True:
            page = await listing(**filters, **more)
            found += next(value for value in page.values() if isinstance(value, list))
            if not page.get("nextToken"):
                return found
            more = {"nextToken": page["nextToken"]}

    async def _drive(self, path: str, body: Any) -> None:
        answer = await self.http.post(f"{self.endpoint}/_devcloud/{path}", json=body)
        assert answer.status_code == 200, answer.text
