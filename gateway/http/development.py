"""Routes that a gateway serves in development alone. Packages bring them, by entry points of the group `GROUP`."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, Final

from gateway.settings import Settings, SettingsError, variable

# An entry point of it is a function that takes the settings and returns Litestar handlers.
GROUP: Final = "ksmp.development"


def routes(settings: Settings) -> list[Any]:
    """The handlers of every installed package, where there is a development issuer; none in production.

    Raises SettingsError when no package serves that issuer's keys.
    """
    if not settings.development_issuer:
        return []
    points = entry_points(group=GROUP)
    if not points:
        raise SettingsError(
            f"{variable('development_issuer')} is set, but no installed package serves its keys (entry points of "
            f"{GROUP}); run `uv sync`, or unset it."
        )
    return [handler for point in points for handler in point.load()(settings)]
