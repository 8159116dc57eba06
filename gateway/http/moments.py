"""Times in a query, as text: Litestar takes numbers for times too, which the API's description does not say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from gateway.errors import invalid

_DAY: Final = r"[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME: Final = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
# RFC 3339, for `QueryParameter(pattern=MOMENT)`; from the year 1000 on.
MOMENT: Final = f"^{_DAY}{_TIME}$"
# The same, or a day alone.
DAY_OR_MOMENT: Final = f"^{_DAY}({_TIME})?$"


def moment(text: str | None, field: str | None = None) -> datetime | None:
    """A time of RFC 3339, in UTC. Raises BadInput `invalid` for a time that does not exist, such as 30 February."""
    try:
        return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid("there is no such time", field=field) from None
