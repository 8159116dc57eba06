"""Words for readers: each in their own language and zone, in the list of the app and by every channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from modules.notify.due import Due
from modules.notify.inbox.wording import ListWords, Unworded, Wording
from modules.notify.preferences.readers import Readers
from modules.notify.texts.writer import TextWriter, Unwritten
from modules.notify.texts.written import Writer, Written

log = structlog.get_logger(__name__)


class ReaderWords:
    """Readers of one language and zone share the words of a notice."""

    def __init__(self, readers: Readers, texts: TextWriter) -> None:
        self._readers = readers
        self._texts = texts

    async def write(self, batch: Sequence[Due | Unworded]) -> list[Written | None]:
        """The words of each, in order; None for those that cannot be written. Raises Unavailable."""
        if not batch:
            return []
        readers = await self._readers.load({one.user_id for one in batch})
        unwritten = []
        for one in batch:
            reader = readers[one.user_id]
            unwritten.append(Unwritten(one.kind, one.data, reader.language, reader.time_zone))
        try:
            return [*await self._texts.write_all(unwritten)]
        except Exception:
            # The texts of one kind keep no other from being written.
            return [await self._alone(one) for one in unwritten]

    async def _alone(self, one: Unwritten) -> Written | None:
        try:
            return (await self._texts.write_all([one]))[0]
        except Exception:
            log.exception("notifications.texts.failed", kind=one.kind.name)
            return None


class DeliveryWriter(Writer):
    """Writes what is sent."""

    def __init__(self, words: ReaderWords) -> None:
        self._words = words

    async def write(self, batch: Sequence[Due]) -> Mapping[str, Written]:
        written = await self._words.write(batch)
        return {due.id: words for due, words in zip(batch, written, strict=True) if words is not None}


class ListWording(Wording):
    """Writes the list in the app."""

    def __init__(self, words: ReaderWords) -> None:
        self._words = words

    async def write(self, batch: Sequence[Unworded]) -> Sequence[ListWords | None]:
        return [
            None if words is None else ListWords(title=words.title, body=words.body, link=words.link)
            for words in await self._words.write(batch)
        ]
