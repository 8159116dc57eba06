"""moto behind the front: gets requests without what was checked, and gives answers without what it made up."""

from __future__ import annotations

import dataclasses
from typing import Final
from urllib.parse import quote

from devcloud.moto_server import MotoServer
from devcloud.s3.checksums import PREFIX
from devcloud.wire import Request, Response

_LEFT_OUT: Final = ("x-amz-sdk-checksum-algorithm", "x-amz-trailer", "origin", "authorization", "x-amz-mp-object-size")
# moto reads nothing of it but that a request is for S3, and by somebody.
_SIGNED: Final = (
    "AWS4-HMAC-SHA256 Credential=devcloud/20200714/{region}/s3/aws4_request, SignedHeaders=host, Signature=devcloud"
)


class Backend:
    def __init__(self, moto: MotoServer, region: str) -> None:
        self._moto = moto
        self._authorization = ("authorization", _SIGNED.format(region=region))

    async def forward(self, request: Request) -> Response:
        """Let moto do it; raises what httpx raises."""
        headers = [item for item in request.headers if not item[0].startswith(PREFIX) and item[0] not in _LEFT_OUT]
        # Its signature is checked; moto would take it for one of a public reader.
        query = "&".join(item for item in request.query.split("&") if not item.startswith("X-Amz-"))
        response = await self._moto.forward(
            dataclasses.replace(request, query=query, headers=(*headers, self._authorization))
        )
        kept = [item for item in response.headers if not item[0].startswith((PREFIX, "access-control-"))]
        return dataclasses.replace(response, headers=tuple(kept))

    async def ask(
        self, host: str, method: str, bucket: str, key: str, headers: tuple[tuple[str, str], ...], body: bytes = b""
    ) -> Response:
        """Ask it for something that the client put in other words."""
        path = f"/{bucket}/{quote(key, safe='/-_.~')}"
        return await self.forward(
            Request(method=method, path=path, query="", headers=(("host", host), *headers), body=body)
        )
