"""The words of a kind as its module wrote them, in English, with the fields of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from modules.notify.due import Due
from modules.notify.facade import Money, Plural
from modules.notify.texts.written import Writer, Written

log = structlog.get_logger(__name__)


class PlainWriter(Writer):
    """Writes everybody the same."""

    async def write(self, batch: Sequence[Due]) -> Mapping[str, Written]:
        words: dict[str, Written] = {}
        for due in batch:
            fields = {name: _plain(value) for name, value in msgspec.structs.asdict(due.data).items()}
            try:
                words[due.id] = Written(
                    title=_text(due.kind.title, fields), body=_text(due.kind.body, fields), link=due.kind.link % fields
                )
            except (KeyError, TypeError, ValueError):
                log.exception("notifications.texts.failed", kind=due.kind.name)
        return words


def _text(text: str | Plural, fields: Mapping[str, Any]) -> str:
    if isinstance(text, Plural):
        text = text.one if fields[text.count] == 1 else text.other
    return text % fields


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%d %b %Y %H:%M UTC")
    if isinstance(value, Money):
        return f"{value.minor / 100:.2f} {value.currency}"
    return value
