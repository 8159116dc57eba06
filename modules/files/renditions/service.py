"""Makes pictures of images once they are clean, and keeps them beside the image in the bucket.

An image of which no picture can be made stays as it is, without one. The pictures go with the file: their keys are in
its folder, which is deleted as a whole.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from gateway.contract import Delivery, Kernel, listener
from modules.files import metrics
from modules.files.avatars import AVATAR
from modules.files.events import FileCleared, FileRendered
from modules.files.lifecycle import FileLifecycle
from modules.files.purposes import Purposes
from modules.files.records import RENDITION_TYPES, FileRecord
from modules.files.renditions.shapes import FORMATS, PAGE, SQUARE, THUMBNAIL, NotDrawable, Pictures, Shape
from modules.files.repository import FileRepository
from modules.files.settings import FilesSettings
from modules.files.states import FileState
from modules.files.storage.s3 import Bucket, NotThere

log = structlog.get_logger(__name__)

# Images that a gateway decodes at once. Each may take some bytes for each of `rendition_pixels`.
AT_ONCE: Final = 1


class Renditions:
    def __init__(
        self,
        kernel: Kernel,
        settings: FilesSettings,
        bucket: Bucket,
        files: FileRepository,
        lifecycle: FileLifecycle,
        purposes: Purposes,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._bucket = bucket
        self._files = files
        self._lifecycle = lifecycle
        self._purposes = purposes
        self._turn = asyncio.Semaphore(AT_ONCE)

    @listener(FileCleared, "files.render", transactional=False)
    async def render(self, event: FileCleared, delivery: Delivery) -> None:
        """Make the pictures of a clean image. Raises Unavailable, and is then done again."""
        shapes = self._shapes(event.purpose)
        if not shapes:
            return
        file = await self._files.find(event.file_id)
        if file is None or file.is_gone or file.state is not FileState.CLEAN or file.type not in FORMATS:
            return
        if {shape.name for shape in shapes} <= {*file.renditions}:
            return
        async with self._turn:
            pictures = await self._drawn(file, shapes)
        if pictures is not None:
            await self._keep(file, pictures)

    def _shapes(self, purpose: str) -> tuple[Shape, ...]:
        if purpose == AVATAR:
            return (SQUARE,)
        found = self._purposes.find(purpose)
        return (THUMBNAIL, PAGE) if found is not None and found.thumbnails else ()

    async def _drawn(self, file: FileRecord, shapes: tuple[Shape, ...]) -> Pictures | None:
        """None for an image of which no picture can be made."""
        if file.size > self._settings.rendition_bytes:
            _count_failed(file, "too_large", f"{file.size} bytes")
            return None
        try:
            content = await self._bucket.read(file.object_key)
            # Pillow holds no lock of the interpreter while it decodes and scales.
            return await asyncio.to_thread(_draw, content, file.type, shapes, self._settings.rendition_pixels)
        except NotThere:
            _count_failed(file, "not_there", "the object is gone")
        except NotDrawable as error:
            _count_failed(file, "not_drawable", str(error))
        return None

    async def _keep(self, file: FileRecord, pictures: Pictures) -> None:
        keys = {one.name: file.rendition_key(one.name) for one in pictures.made}
        for one in pictures.made:
            await self._bucket.put(keys[one.name], one.content, RENDITION_TYPES[one.name])
        async with self._kernel.database.transaction():
            kept = await self._files.rendered(file.id, sorted(keys), pictures.width, pictures.height)
            if kept is not None:
                await self._lifecycle.tell(kept)
                await self._kernel.events.publish(FileRendered(file.id, file.purpose, file.owner_id))
        if kept is None:
            # It is deleted meanwhile, perhaps before these were written.
            for key in keys.values():
                await self._bucket.delete(key)
            return
        metrics.renditions.labels("made").inc()


def _count_failed(file: FileRecord, outcome: str, why: str) -> None:
    metrics.renditions.labels(outcome).inc()
    log.info("renditions.none", file=file.id, outcome=outcome, why=why)


def _draw(content: bytes, media_type: str, shapes: tuple[Shape, ...], most_pixels: int) -> Pictures:
    # Only here, in the thread: most processes make no pictures.
    from modules.files.renditions.pictures import draw  # noqa: PLC0415

    return draw(content, media_type, shapes, most_pixels)
