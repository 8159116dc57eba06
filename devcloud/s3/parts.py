"""The operations of uploads in parts: checked by what is known of the parts, done by moto."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from devcloud import clock
from devcloud.s3.backend import Backend
from devcloud.s3.checksums import PREFIX
from devcloud.s3.errors import S3Error
from devcloud.s3.multipart_uploads import MultipartUpload, Part
from devcloud.s3.objects import Objects, check_body, etag_of, with_checksum, xml_etag
from devcloud.s3.operations import Asked
from devcloud.wire import Request, Response

_UPLOAD_ID: Final = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_PART: Final = re.compile(r"<Part>.*?<PartNumber>(\d+)</PartNumber>.*?(?=</Part>)", re.DOTALL)

_UPLOAD: Final = re.compile(r"<Upload>.*?<UploadId>([^<]+)</UploadId>.*?</Upload>", re.DOTALL)
_INITIATED: Final = re.compile(r"(?<=<Initiated>)[^<]*(?=</Initiated>)")


class Parts:
    """Handles the operations; they raise S3Error."""

    def __init__(self, backend: Backend, objects: Objects) -> None:
        self._backend = backend
        self._objects = objects
        self._uploads: dict[str, MultipartUpload] = {}

    async def create(self, request: Request, asked: Asked) -> Response:
        answer = await self._backend.forward(request)
        found = _UPLOAD_ID.search(answer.body)
        if answer.status == 200 and found is not None:
            algorithm = request.header(PREFIX + "algorithm").lower()
            self._uploads[found[1].decode()] = MultipartUpload(
                asked.bucket, asked.key, algorithm, clock.stamp(clock.now())
            )
            if algorithm:
                headers = ((PREFIX + "algorithm", algorithm.upper()), (PREFIX + "type", "COMPOSITE"))
                answer = dataclasses.replace(answer, headers=(*answer.headers, *headers))
        return answer

    async def upload(self, request: Request, asked: Asked) -> Response:
        checksum = await check_body(request)
        upload = self._running(asked)
        number = upload.check_part(asked.query.get("partNumber", ""), checksum)
        answer = await self._backend.forward(request)
        if answer.status == 200:
            upload.parts[number] = Part(len(request.body), etag_of(answer), checksum)
            answer = with_checksum(answer, checksum)
        return answer

    async def complete(self, request: Request, asked: Asked) -> Response:
        # Done again it is answered as before, as long as the object is there.
        upload = self._uploads.get(asked.query["uploadId"])
        if upload is None:
            raise _no_upload()
        checksum = upload.completed(request.body, dict(request.headers))
        answer = await self._backend.forward(request)
        if answer.status >= 500:
            # moto does not know it any more: the object of a complete one was deleted.
            raise _no_upload()
        if answer.status != 200:
            return answer
        upload.complete = True
        self._objects.keep(asked, xml_etag(answer.body), checksum, len(upload.parts))
        said = f"{checksum.element}<ChecksumType>{checksum.kind}</ChecksumType>" if checksum is not None else ""
        return _with_elements(answer, said)

    async def list(self, request: Request, asked: Asked) -> Response:
        upload = self._running(asked)
        answer = await self._backend.forward(request)
        if answer.status != 200 or not upload.algorithm:
            return answer

        def with_value(match: re.Match[str]) -> str:
            part = upload.parts.get(int(match[1]))
            return match[0] + (part.checksum.element if part is not None and part.checksum is not None else "")

        text = _PART.sub(with_value, answer.body.decode())
        name = upload.algorithm.upper()
        said = f"<ChecksumAlgorithm>{name}</ChecksumAlgorithm><ChecksumType>COMPOSITE</ChecksumType>"
        return _with_elements(dataclasses.replace(answer, body=text.encode()), said)

    async def uploads(self, request: Request, asked: Asked) -> Response:
        """ListMultipartUploads. moto says of each that it began in 2010."""
        answer = await self._backend.forward(request)

        def with_time(match: re.Match[str]) -> str:
            upload = self._uploads.get(match[1])
            return _INITIATED.sub(upload.begun_at, match[0]) if upload is not None else match[0]

        return dataclasses.replace(answer, body=_UPLOAD.sub(with_time, answer.body.decode()).encode())

    async def abort(self, request: Request, asked: Asked) -> Response:
        self._running(asked)
        answer = await self._backend.forward(request)
        if answer.status == 204:
            del self._uploads[asked.query["uploadId"]]
        return answer

    def _running(self, asked: Asked) -> MultipartUpload:
        upload = self._uploads.get(asked.query["uploadId"])
        if upload is None or upload.complete or (upload.bucket, upload.key) != (asked.bucket, asked.key):
            raise _no_upload()
        return upload


def _with_elements(answer: Response, elements: str) -> Response:
    """The answer with these at the end of its XML."""
    head, mark, end = answer.body.rpartition(b"</")
    return dataclasses.replace(answer, body=head + elements.encode() + mark + end)


def _no_upload() -> S3Error:
    message = (
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
        "completed."
    )
    return S3Error("NoSuchUpload", message, 404)
