"""The settings of a test's gateway."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from devstack.ports import LOOPBACK
from gateway.settings import Settings

ISSUER: Final = "https://issuer.ksmp.test/pool"
CLIENT_ID: Final = "tests"
MakeSettings = Callable[..., Settings]


def settings_maker(database_url: str, nats_url: tuple[str, ...], issuer_folder: Path) -> MakeSettings:
    """Settings of a gateway on these servers. Keyword arguments of the function it returns override them."""

    def make(**overrides: Any) -> Settings:
        values: dict[str, Any] = {
            "environment": "test",
            "host": LOOPBACK,
            "port": 0,
            "database_url": database_url,
            "nats_url": nats_url,
            "issuer": ISSUER,
            "jwks_url": f"http://{LOOPBACK}:{overrides.get('port', 0)}/dev/jwks.json",
            "client_ids": (CLIENT_ID,),
            "development_issuer": str(issuer_folder),
            "head_interval": 1.0,
            "drain_timeout": 3.0,
        }
        return Settings(**values | overrides)

    return make
