"""Objects written and read whole, with the checksums that moto does not keep."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar
from urllib.parse import quote, unquote, urlencode
from xml.sax.saxutils import escape

from devcloud import clock
from devcloud.s3 import checksums
from devcloud.s3.backend import Backend
from devcloud.s3.checksums import Checksum
from devcloud.s3.errors import S3Error
from devcloud.s3.form import read_form
from devcloud.s3.operations import Asked
from devcloud.s3.post_policy import check_policy
from devcloud.s3.signatures import Verifier
from devcloud.s3.xml_answer import xml_answer
from devcloud.wire import Request, Response

P = ParamSpec("P")
T = TypeVar("T")

# From this size on a body is hashed beside the event loop.
LARGE: Final = 1024 * 1024
_ETAG: Final = re.compile(r"<ETag>(?:&quot;|&#34;|\")?([^<&\"]+)")
# Fields of a form that become headers of the object.
_OF_OBJECT: Final = ("content-", "cache-control", "expires", "x-amz-meta-")


@dataclasses.dataclass(frozen=True)
class Kept:
    """The checksum of an object that has this ETag; one that was written past the front has another."""

    etag: str
    checksum: Checksum
    parts: int = 0


class Objects:
    """Handles the operations on one object; they raise S3Error."""

    def __init__(self, backend: Backend, verifier: Verifier) -> None:
        self._backend = backend
        self._verifier = verifier
        self._kept: dict[tuple[str, str], Kept] = {}

    async def put(self, request: Request, asked: Asked) -> Response:
        checksum = await check_body(request)
        answer = await self._backend.forward(request)
        if answer.status == 200:
            self.keep(asked, etag_of(answer), checksum)
            answer = with_checksum(answer, checksum)
        return answer

    async def post(self, request: Request, asked: Asked) -> Response:
        """An upload by a form, which its policy allows."""
        form = await _beside(len(request.body), read_form, request.header("content-type"), request.body)
        fields = form.fields | {"bucket": asked.bucket}
        self._verifier.check_policy(fields)
        check_policy(fields, len(form.file), clock.now())
        if "key" not in fields:
            raise S3Error("InvalidArgument", "Bucket POST must contain a field named 'key'.")
        key = fields["key"].replace("${filename}", form.file_name)
        checksum = checksums.announced(fields)
        await _beside(len(form.file), _check, form.file, checksum, fields.get("content-md5", ""), "")
        headers = ((name, value) for name, value in fields.items() if name.startswith(_OF_OBJECT))
        answer = await self._backend.ask(request.header("host"), "PUT", asked.bucket, key, tuple(headers), form.file)
        if answer.status != 200:
            return answer
        etag = etag_of(answer)
        self.keep(dataclasses.replace(asked, key=key), etag, checksum)
        return with_checksum(_posted(request, fields, asked.bucket, key, etag), checksum)

    async def read(self, request: Request, asked: Asked) -> Response:
        """GetObject and HeadObject."""
        answer = await self._backend.forward(request)
        if answer.status == 200 and request.header("x-amz-checksum-mode").upper() == "ENABLED":
            kept = self.kept(asked, etag_of(answer))
            answer = with_checksum(answer, kept.checksum if kept else None)
        return answer

    async def attributes(self, request: Request, asked: Asked) -> Response:
        values = ",".join(value for name, value in request.headers if name == "x-amz-object-attributes")
        wanted = {name.strip() for name in values.split(",")} - {""}
        if not wanted:
            message = "The x-amz-object-attributes header is either missing or empty"
            raise S3Error("InvalidArgument", message)
        head = await self._backend.ask(request.header("host"), "HEAD", asked.bucket, asked.key, ())
        if head.status == 404:
            raise S3Error("NoSuchKey", "The specified key does not exist.", 404)
        etag = etag_of(head)
        kept = self.kept(asked, etag)
        found = {"ETag": etag, "StorageClass": "STANDARD", "ObjectSize": head.header("content-length")}
        if kept is not None:
            found["Checksum"] = f"{kept.checksum.element}<ChecksumType>{kept.checksum.kind}</ChecksumType>"
            if kept.parts:
                found["ObjectParts"] = f"<PartsCount>{kept.parts}</PartsCount>"
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in found.items() if name in wanted)
        headers = (item for item in head.headers if item[0] == "last-modified")
        return xml_answer("GetObjectAttributesResponse", inner, *headers)

    async def copy(self, request: Request, asked: Asked) -> Response:
        bucket, _, key = unquote(request.header("x-amz-copy-source").partition("?")[0]).removeprefix("/").partition("/")
        answer = await self._backend.forward(request)
        if answer.status == 200:
            source = self._kept.get((bucket, key))
            # An object in parts is whole once it is copied, and so has another checksum.
            whole = source is not None and not source.parts
            self.keep(asked, xml_etag(answer.body), source.checksum if source is not None and whole else None)
        return answer

    async def delete(self, request: Request, asked: Asked) -> Response:
        answer = await self._backend.forward(request)
        if answer.status == 204:
            self._kept.pop((asked.bucket, asked.key), None)
        return answer

    def keep(self, asked: Asked, etag: str, checksum: Checksum | None, parts: int = 0) -> None:
        """Remember the checksum of an object that was written."""
        if checksum is None:
            self._kept.pop((asked.bucket, asked.key), None)
        else:
            self._kept[asked.bucket, asked.key] = Kept(etag, checksum, parts)

    def kept(self, asked: Asked, etag: str) -> Kept | None:
        found = self._kept.get((asked.bucket, asked.key))
        return found if found is not None and found.etag == etag else None


async def check_body(request: Request) -> Checksum | None:
    """Hold the body to what the headers say of it; returns the announced checksum. Raises S3Error."""
    headers = dict(request.headers)
    checksum = checksums.announced(headers)
    if "aws-chunked" in headers.get("content-encoding", ""):
        # The body is framed; moto takes the frames off, and believes the checksum behind them.
        return None
    payload = headers.get("x-amz-content-sha256", "")
    await _beside(len(request.body), _check, request.body, checksum, headers.get("content-md5", ""), payload)
    return checksum


def with_checksum(answer: Response, checksum: Checksum | None) -> Response:
    if checksum is None:
        return answer
    more = (checksum.header, ("x-amz-checksum-type", checksum.kind))
    return dataclasses.replace(answer, headers=(*answer.headers, *more))


def etag_of(answer: Response) -> str:
    return answer.header("etag").strip('"')


def xml_etag(body: bytes) -> str:
    found = _ETAG.search(body.decode())
    return found[1] if found else ""


async def _beside(size: int, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call it, in a thread when there are many bytes to go over."""
    return await asyncio.to_thread(call, *arguments, **named) if size > LARGE else call(*arguments, **named)


def _check(body: bytes, checksum: Checksum | None, md5: str, payload: str) -> None:
    checksums.check_payload(payload, body)
    if md5:
        checksums.check_md5(md5, body)
    if checksum is not None:
        checksums.check(checksum, body)


def _posted(request: Request, fields: dict[str, str], bucket: str, key: str, etag: str) -> Response:
    location = f"http://{request.header('host')}/{bucket}/{quote(key, safe='')}"
    headers = (("etag", f'"{etag}"'), ("location", location))
    redirect = fields.get("success_action_redirect") or fields.get("redirect")
    if redirect:
        query = urlencode({"bucket": bucket, "key": key, "etag": f'"{etag}"'})
        target = f"{redirect}{'&' if '?' in redirect else '?'}{query}"
        return Response(status=303, headers=(("etag", f'"{etag}"'), ("location", target)))
    match fields.get("success_action_status"):
        case "201":
            inner = (
                f"<Location>{escape(location)}</Location><Bucket>{escape(bucket)}</Bucket>"
                f"<Key>{escape(key)}</Key><ETag>&quot;{etag}&quot;</ETag>"
            )
            return xml_answer("PostResponse", inner, *headers, status=201)
        case "200":
            return Response(status=200, headers=headers)
        case _:
            return Response(status=204, headers=headers)
