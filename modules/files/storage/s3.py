"""The bucket of files. Every error of S3 becomes Unavailable, or NotThere where the object or the upload is missing.

No call is made inside of a database transaction. Each goes through a circuit breaker: while S3 is away callers are told
so at once. The SDK tries a call again that failed, once: an upload is told soon, and whoever uploads tries again.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from typing import Any, Final

from gateway import clock
from gateway.aws.calls import AwsCalls, NotThere
from gateway.aws.presigner import Presigner
from gateway.aws.service import AwsConfig, ServiceClient
from gateway.aws.signature import AccessKey
from gateway.circuit_breaker import CircuitBreaker
from gateway.errors import Unavailable
from modules.files.storage import metrics
from modules.files.storage.objects import (
    ListedObject,
    ListedUpload,
    StoredObject,
    StoredPart,
    UploadForm,
    to_base64,
    to_hex,
)

__all__ = ["Bucket", "NotThere"]

# What callers are told.
SERVICE: Final = "the storage of files"
# A HEAD has no body, so the SDK names its status.
NOT_THERE: Final = frozenset({"NoSuchKey", "NoSuchUpload", "404", "NotFound"})
# An object's name. Its address without the name is the address of the bucket.
NAMED: Final = "k"
CONNECTIONS: Final = 50
TRIES: Final = 2
# Bytes of one piece of a stream.
PIECE: Final = 256 * 1024


class Bucket:
    """The calls of S3 for the objects of one bucket, by a client that is open from `open` to `close`.

    What clients get is signed with `signer`, or else with the process's own credentials. With an empty `name` nothing
    is stored, and each call raises Unavailable.
    """

    def __init__(self, config: AwsConfig, name: str, breaker: CircuitBreaker, signer: AccessKey | None = None) -> None:
        self.name = name
        self._signer = signer
        # The address of the bucket, once the SDK has said it.
        self._base = ""
        self._region = config.region
        self._breaker = breaker
        self._calls = AwsCalls(breaker, SERVICE, NOT_THERE)
        self._s3 = ServiceClient(
            config,
            "s3",
            tries=TRIES,
            # By default the SDK signs URLs with a version that new buckets refuse, for an address in the first region.
            signature_version="s3v4",
            s3={"addressing_style": "path" if config.endpoint else "virtual"},
            max_pool_connections=CONNECTIONS,
            # Otherwise it adds a CRC32 to what it sends.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )

    async def open(self) -> None:
        if self.name:
            await self._s3.open()

    async def close(self) -> None:
        await self._s3.close()

    async def upload_form(self, key: str, size: int, media_type: str, sha256: str, seconds: int) -> UploadForm:
        """A form with which exactly these bytes can be uploaded, and only under this key. It does not ask S3."""
        fields = {
            "key": key,
            "Content-Type": media_type,
            "x-amz-checksum-algorithm": "SHA256",
            "x-amz-checksum-sha256": to_base64(sha256),
        }
        presigner = await self._presigner(seconds)
        return UploadForm(*presigner.form(fields, [["content-length-range", size, size]]))

    async def part_urls(
        self, key: str, upload_id: str, parts: Sequence[tuple[int, int, str]], seconds: int
    ) -> list[tuple[str, dict[str, str]]]:
        """For each part, a number, its size and its SHA-256 in hex: the URL that takes it by PUT, and headers to send.

        The length is signed too, and is in no header to send: each client sends it by itself.
        """
        presigner = await self._presigner(seconds)
        urls = []
        for number, size, sha256 in parts:
            headers = {"x-amz-checksum-sha256": to_base64(sha256)}
            query = {"partNumber": str(number), "uploadId": upload_id}
            # Otherwise S3 takes 5 GiB for each part, which no quota counts.
            signed = {"content-length": str(size), **headers}
            urls.append((presigner.request("PUT", key, query, signed), headers))
        return urls

    async def url(self, key: str, disposition: str, media_type: str, seconds: int) -> str:
        """A URL by which an object can be read, under this name and media type. It does not ask S3."""
        query = {"response-content-disposition": disposition, "response-content-type": media_type}
        return (await self._presigner(seconds)).request("GET", key, query)

    async def begin_parts(self, key: str, media_type: str) -> str:
        """Begin an upload in parts; its id. Each part must come with its SHA-256."""
        answer = await self._ask(
            "CreateMultipartUpload",
            self._s3.create_multipart_upload(
                Bucket=self.name, Key=key, ContentType=media_type, ChecksumAlgorithm="SHA256"
            ),
        )
        upload_id: str = answer["UploadId"]
        return upload_id

    async def parts(self, key: str, upload_id: str) -> list[StoredPart]:
        """The parts that have arrived, by number. Raises NotThere when the upload was completed or aborted."""
        found: list[StoredPart] = []
        more: dict[str, Any] = {}
        while True:
            page = await self._ask(
                "ListParts", self._s3.list_parts(Bucket=self.name, Key=key, UploadId=upload_id, **more)
            )
            for part in page.get("Parts", ()):
                checksum = part.get("ChecksumSHA256", "")
                found.append(
                    StoredPart(part["PartNumber"], part["Size"], part["ETag"], to_hex(checksum) if checksum else "")
                )
            if not page.get("IsTruncated"):
                return found
            more = {"PartNumberMarker": page["NextPartNumberMarker"]}

    async def complete_parts(self, key: str, upload_id: str, parts: Sequence[StoredPart]) -> None:
        """Make an object of its parts. Raises NotThere when that, or its opposite, was done before."""
        named = [
            {"PartNumber": part.number, "ETag": part.etag}
            | ({"ChecksumSHA256": to_base64(part.sha256)} if part.sha256 else {})
            for part in parts
        ]
        await self._ask(
            "CompleteMultipartUpload",
            self._s3.complete_multipart_upload(
                Bucket=self.name, Key=key, UploadId=upload_id, MultipartUpload={"Parts": named}
            ),
        )

    async def abort_parts(self, key: str, upload_id: str) -> None:
        """Forget the parts of an upload; one that is not there any more is no error."""
        try:
            await self._ask(
                "AbortMultipartUpload",
                self._s3.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload_id),
            )
        except NotThere:
            return

    async def head(self, key: str) -> StoredObject:
        """Raises NotThere."""
        answer = await self._ask("HeadObject", self._s3.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED"))
        checksum = answer.get("ChecksumSHA256", "")
        if "-" in checksum or answer.get("ChecksumType") == "COMPOSITE":
            # It is the checksum of those of the parts, which were checked as they arrived.
            return StoredObject(answer["ContentLength"])
        return StoredObject(answer["ContentLength"], to_hex(checksum) if checksum else "")

    async def read(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes from `start` up to `end`, or to the object's end. Raises NotThere."""
        body = await self._get(key, start, end)
        content: bytes = await self._calls.ask(body.read())
        return content

    async def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        """All bytes of an object in pieces. Raises NotThere, also Unavailable in the middle."""
        body = await self._get(key, 0, None)
        try:
            while piece := await self._calls.ask(body.read(PIECE)):
                yield piece
        finally:
            body.close()

    async def put(self, key: str, content: bytes, media_type: str) -> None:
        """Write an object of our own, such as a small picture."""
        await self._ask(
            "PutObject",
            self._s3.put_object(
                Bucket=self.name, Key=key, Body=content, ContentType=media_type, ChecksumAlgorithm="SHA256"
            ),
        )

    async def delete(self, key: str) -> None:
        """Delete an object; one that is not there is no error."""
        await self._ask("DeleteObject", self._s3.delete_object(Bucket=self.name, Key=key))

    async def objects(self, prefix: str, after: str, most: int) -> list[ListedObject]:
        """Up to `most` objects whose keys begin so and come after a key, in the order of their keys; at most 1000."""
        page = await self._ask(
            "ListObjectsV2",
            self._s3.list_objects_v2(Bucket=self.name, Prefix=prefix, StartAfter=after, MaxKeys=most),
        )
        return [ListedObject(one["Key"], one["Size"], one["LastModified"]) for one in page.get("Contents", ())]

    async def uploads(self, prefix: str) -> AsyncIterator[ListedUpload]:
        """The uploads in parts that are neither completed nor aborted."""
        more: dict[str, str] = {}
        while True:
            page = await self._ask(
                "ListMultipartUploads",
                self._s3.list_multipart_uploads(Bucket=self.name, Prefix=prefix, **more),
            )
            for one in page.get("Uploads", ()):
                yield ListedUpload(one["Key"], one["UploadId"], one["Initiated"])
            if not page.get("IsTruncated"):
                return
            more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    async def _get(self, key: str, start: int, end: int | None) -> Any:
        span = {} if start == 0 and end is None else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        answer = await self._ask("GetObject", self._s3.get_object(Bucket=self.name, Key=key, **span))
        return answer["Body"]

    async def _presigner(self, seconds: int) -> Presigner:
        if not self._base:
            params = {"Bucket": self.name, "Key": NAMED}
            signing = self._s3.generate_presigned_url(ClientMethod="get_object", Params=params)
            signed: str = await self._calls.ask(self._guarded(signing))
            self._base = signed.partition("?")[0].removesuffix(NAMED)
        key = self._signer
        if key is None:
            credentials = await self._calls.ask(self._s3.credentials())
            if credentials is None:
                raise Unavailable("there are no credentials for the storage of files", retry_after=None)
            frozen = await self._calls.ask(credentials.get_frozen_credentials())
            key = AccessKey(frozen.access_key, frozen.secret_key, frozen.token)
        return Presigner(self._base, self._region, key, clock.now(), seconds)

    async def _ask(self, operation: str, call: Awaitable[Any]) -> Any:
        """The answer of a call, which is counted. Raises NotThere and Unavailable."""
        begun = time.perf_counter()
        try:
            answer = await self._calls.ask(self._guarded(call))
        except NotThere:
            metrics.calls.labels(operation, "not_there").inc()
            raise
        except Unavailable:
            metrics.calls.labels(operation, "unavailable").inc()
            raise
        finally:
            metrics.breaker_open.set(self._breaker.is_open)
            metrics.seconds.labels(operation).observe(time.perf_counter() - begun)
        metrics.calls.labels(operation, "done").inc()
        return answer

    def _guarded(self, call: Awaitable[Any]) -> Awaitable[Any]:
        """The call, if there is a bucket."""
        if not self.name:
            call.close()  # type: ignore[attr-defined]
            raise Unavailable("no storage of files is set up", retry_after=None)
        return call
