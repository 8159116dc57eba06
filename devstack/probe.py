"""Asks a local server whether it is there."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request


async def get(url: str, timeout: float = 2.0) -> tuple[int, bytes]:
    """Status and body of a GET; status 0 when nothing answered within `timeout` seconds."""
    return await asyncio.to_thread(_get, url, timeout)


def _get(url: str, timeout: float) -> tuple[int, bytes]:
    # Without the empty ProxyHandler a proxy named in the environment would be asked for loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (OSError, ValueError, urllib.error.URLError):
        return 0, b""
