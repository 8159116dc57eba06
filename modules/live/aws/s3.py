"""The recordings in S3, in the layout in which IVS writes them. No call is made inside of a database transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from gateway import clock
from gateway.aws.presigner import Presigner
from gateway.aws.service import AwsConfig, ServiceClient
from gateway.aws.signature import AccessKey
from gateway.errors import Unavailable
from modules.live.aws.client import NotThere, translate_errors
from modules.live.errors import Unplayable

ENDED: Final = "recording-ended.json"
THUMBNAIL: Final = "media/latest_thumbnail/thumb.jpg"
# An object's name. Its address without the name is the address of the bucket.
NAMED: Final = "k"


class Recorded(msgspec.Struct, frozen=True):
    """A recording in a bucket; one that has not ended has no `duration_ms`. `playlist` is the path below the prefix."""

    prefix: str
    started_at: datetime
    duration_ms: int | None
    playlist: str


class S3:
    """The calls of S3. URLs for players are signed with `signer`, or else with the process's own credentials."""

    def __init__(self, config: AwsConfig, signer: AccessKey | None) -> None:
        self._s3 = ServiceClient(
            config,
            "s3",
            # By default the SDK signs URLs with a version that new buckets refuse, for an address in the first region.
            signature_version="s3v4",
            s3={"addressing_style": "path" if config.endpoint else "virtual"},
        )
        self._region = config.region
        self._signer = signer

    async def open(self) -> None:
        await self._s3.open()

    async def close(self) -> None:
        await self._s3.close()

    async def recordings(self, bucket: str, channel_arn: str) -> list[Recorded]:
        """What was recorded of a channel, as its bucket says. IVS writes the event of a recording's end last."""
        account, resource = channel_arn.split(":")[4:6]
        prefix = f"ivs/v1/{account}/{resource.partition('/')[2]}/"
        more: dict[str, str] = {}
        documents: dict[str, dict[str, Any]] = {}
        while True:
            page = await translate_errors(self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix, **more))
            for one in page.get("Contents", ()):
                recording, mark, name = one["Key"].partition("/events/")
                if not mark or name not in ("recording-started.json", ENDED):
                    continue
                if recording not in documents or name == ENDED:
                    answer = await translate_errors(self._s3.get_object(Bucket=bucket, Key=one["Key"]))
                    documents[recording] = msgspec.json.decode(await translate_errors(answer["Body"].read()))
            if not page.get("IsTruncated"):
                return [_recorded(recording, document) for recording, document in documents.items()]
            more = {"ContinuationToken": page["NextContinuationToken"]}

    async def read(self, bucket: str, key: str, most: int) -> bytes | None:
        """A playlist; None when there is none. Raises Unplayable for one of more than `most` bytes."""
        try:
            answer = await translate_errors(self._s3.get_object(Bucket=bucket, Key=key))
        except NotThere:
            return None
        body = answer["Body"]
        if answer["ContentLength"] > most:
            body.close()
            raise Unplayable(f"it is larger than {most} bytes")
        content: bytes = await translate_errors(body.read())
        return content

    async def delete_page(self, bucket: str, prefix: str, most: int) -> bool:
        """Delete up to `most` objects of a recording, at most 1000; whether there may be more."""
        page = await translate_errors(self._s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/", MaxKeys=most))
        keys = [{"Key": one["Key"]} for one in page.get("Contents", ())]
        if keys:
            deletion = self._s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            # What it could not delete is in an answer that says 200.
            for error in (await translate_errors(deletion)).get("Errors", ()):
                raise Unavailable(f"S3 does not delete: {error.get('Code')}")
        return bool(page.get("IsTruncated"))

    async def presigner(self, bucket: str, seconds: int) -> Presigner:
        """A maker of URLs by which the bucket's objects can be read from now on; it does not ask S3.

        A URL that is signed with the keys of a role is good no longer than those keys are.
        """
        params = {"Bucket": bucket, "Key": NAMED}
        signed: str = await translate_errors(
            self._s3.generate_presigned_url(ClientMethod="get_object", Params=params, ExpiresIn=seconds)
        )
        base = signed.partition("?")[0].removesuffix(NAMED)
        key = self._signer
        if key is None:
            credentials = await translate_errors(self._s3.credentials())
            frozen = await translate_errors(credentials.get_frozen_credentials())
            key = AccessKey(frozen.access_key, frozen.secret_key, frozen.token)
        return Presigner(base, self._region, key, clock.now(), seconds)


def _recorded(prefix: str, document: dict[str, Any]) -> Recorded:
    hls = document["media"]["hls"]
    return Recorded(
        prefix,
        datetime.fromisoformat(document["recording_started_at"]),
        hls.get("duration_ms", 0) if "recording_ended_at" in document else None,
        f"{hls['path']}/{hls['playlist']}",
    )
