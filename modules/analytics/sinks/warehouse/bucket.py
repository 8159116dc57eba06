"""The bucket of a warehouse. Every error of S3 becomes Unavailable, or NotThere where an object is missing."""

from __future__ import annotations

from typing import Final

from gateway.aws.calls import AwsCalls, NotThere
from gateway.aws.service import AwsConfig, ServiceClient
from gateway.circuit_breaker import CircuitBreaker

__all__ = ["NotThere", "WarehouseBucket"]

SERVICE: Final = "the storage of the warehouse"
NOT_THERE: Final = frozenset({"NoSuchKey", "404", "NotFound"})
FAILURES: Final = 5
PAUSE: Final = 2.0


class WarehouseBucket:
    """Each call raises Unavailable."""

    def __init__(self, config: AwsConfig, name: str) -> None:
        self._name = name
        self._calls = AwsCalls(CircuitBreaker(FAILURES, PAUSE, f"{SERVICE} does not answer"), SERVICE, NOT_THERE)
        self._s3 = ServiceClient(
            config,
            "s3",
            signature_version="s3v4",
            s3={"addressing_style": "path" if config.endpoint else "virtual"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )

    async def open(self) -> None:
        await self._s3.open()

    async def close(self) -> None:
        await self._s3.close()

    async def put(self, path: str, content: bytes, media_type: str) -> None:
        """Write an object, in place of one of the same name."""
        await self._calls.ask(
            self._s3.put_object(
                Bucket=self._name, Key=path, Body=content, ContentType=media_type, ChecksumAlgorithm="SHA256"
            )
        )

    async def read(self, path: str) -> bytes:
        """Raises NotThere."""
        answer = await self._calls.ask(self._s3.get_object(Bucket=self._name, Key=path))
        content: bytes = await self._calls.ask(answer["Body"].read())
        return content

    async def delete(self, path: str) -> None:
        """Delete an object; one that is not there is no error."""
        await self._calls.ask(self._s3.delete_object(Bucket=self._name, Key=path))
