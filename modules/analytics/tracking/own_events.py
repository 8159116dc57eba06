"""The client events of analytics' own pages."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from modules.analytics.facade import ClientEventType, Tracked

Uuid = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]


class PageViewed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of analytics was opened."""

    page: Literal["dashboard", "session", "board", "boards"]
    program_id: Uuid | None = None
    session_id: Uuid | None = None


def _page_viewed(event: PageViewed) -> Tracked:
    return Tracked(program_id=event.program_id or "", session_id=event.session_id or "", label=event.page)


OWN_EVENTS: Final = (ClientEventType(name="analytics.page_viewed", properties=PageViewed, tracked=_page_viewed),)
