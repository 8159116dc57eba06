"""Says which service shows an API key.

The key's row is read at every request, and nothing is kept. So a key that is revoked is refused on every gateway from
the commit on. One read by primary key is what each request of a service costs; a text that is no key costs none.
"""

from __future__ import annotations

from typing import Final

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Code, Refused
from gateway.principal import ServicePrincipal
from modules.integrations.services.key_format import id_of, is_key
from modules.integrations.services.repository import KeyRepository
from modules.integrations.settings import KeySettings

# The same for a key that is not there and for a wrong secret: nobody learns which ids exist.
UNKNOWN: Final = "the API key is not known"


class KeyAuthenticator:
    """What the kernel asks on routes for services, as `gateway.contract.ServiceKeys`."""

    def __init__(self, kernel: Kernel, settings: KeySettings, keys: KeyRepository) -> None:
        self._settings = settings
        self._keys = keys

    async def authenticate(self, key: str) -> ServicePrincipal:
        """Raises Refused `unauthenticated`, and Unavailable."""
        id = id_of(key)
        if id is None:
            raise _refused(UNKNOWN)
        now = clock.now()
        held = await self._keys.held(id, now)
        if held is None or not is_key(key, held.hash):
            raise _refused(UNKNOWN)
        if held.revoked:
            raise _refused("the API key was revoked")
        if held.expires_at <= now:
            raise _refused("the API key has expired")
        if held.disabled:
            raise _refused("the service is disabled")
        if held.use_is_old:
            await self._keys.used(id, now)
        return ServicePrincipal(
            id=str(held.service_id),
            name=held.name,
            key=id,
            scopes=frozenset(held.scopes),
            # A kind may have been closed since the key was made.
            rooms=frozenset(room for room in held.rooms if room.partition(":")[0] not in self._settings.closed_rooms),
            rate=self._settings.request_rate,
            burst=self._settings.request_burst,
        )


def _refused(why: str) -> Refused:
    return Refused(Code.UNAUTHENTICATED, why)
