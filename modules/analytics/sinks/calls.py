"""Calls of a sink: within a time, and with one kind of error."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from gateway.errors import Unavailable
from modules.analytics.facade import SinkFault

log = structlog.get_logger(__name__)

T = TypeVar("T")


async def asked(name: str, call: Coroutine[Any, Any, T], seconds: float) -> T:
    """What a sink answers. Raises SinkFault for whatever keeps it from that."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except SinkFault:
        raise
    except TimeoutError:
        raise SinkFault("timeout") from None
    except Unavailable as error:
        raise SinkFault(error.message, retry_after=error.retry_after) from error
    except Exception as error:
        log.exception("sinks.broken", sink=name)
        raise SinkFault(type(error).__name__) from error
