"""Checks what a gateway needs before it starts: settings, PostgreSQL, NATS and the token issuer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped,unused-ignore]
import httpx
import msgspec
import nats
from nats.errors import Error as NatsError
from nats.js.api import StorageType, StreamConfig

from gateway import registry
from gateway.errors import KsmpError
from gateway.settings import Settings, SettingsError, read

TIMEOUT = 5.0
OLDEST_POSTGRES = 14


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was checked; `text` says what was found or, when it is not ok, what to do."""

    subject: str
    ok: bool
    text: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.subject}: {self.text}"


class Wrong(Exception):
    """Something a check found; the message says what to do about it."""


class Key(msgspec.Struct, frozen=True):
    kty: str = ""


class Keys(msgspec.Struct, frozen=True):
    keys: tuple[Key, ...] = ()


async def examine(environ: Mapping[str, str]) -> list[Finding]:
    """Check everything, at most a few seconds each. Never raises for what it finds."""
    try:
        settings = read(Settings, environ)
    except SettingsError as error:
        return [Finding(subject="settings", ok=False, text=str(error))]
    try:
        modules = registry.enabled(settings)
        registry.check_environment(modules, environ)
    except (registry.RegistryError, SettingsError) as error:
        return [Finding(subject="settings", ok=False, text=str(error))]
    checks: dict[str, Callable[[Settings], Awaitable[str]]] = {
        "PostgreSQL": check_postgres,
        "NATS": check_nats,
        "token keys": check_keys,
    }
    findings = await asyncio.gather(*(_find(subject, check(settings)) for subject, check in checks.items()))
    on = ", ".join(module.name for module in modules)
    return [Finding(subject="settings", ok=True, text=f"complete; modules that are on: {on}"), *findings]


async def check_postgres(settings: Settings) -> str:
    """Whether the database answers, is new enough and has every migration."""
    from gateway.db.migrate import MigrationError, check_applied, pending

    place = urlsplit(settings.database_url)
    where = f"{place.hostname}:{place.port or 5432}{place.path}"
    try:
        connection = await asyncpg.connect(settings.database_url, timeout=TIMEOUT)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Wrong(f"{where} refuses ({_short(error)}); check KSMP_DATABASE_URL.") from None
    try:
        major = connection.get_server_version().major
    finally:
        await connection.close(timeout=TIMEOUT)
    if major < OLDEST_POSTGRES:
        raise Wrong(f"{where} runs version {major}; {OLDEST_POSTGRES} or newer is needed.")
    modules = registry.enabled(settings)
    try:
        await check_applied(settings.database_url, modules)
    except MigrationError as error:
        raise Wrong(str(error)) from None
    waiting = await pending(settings.database_url, modules)
    if waiting:
        raise Wrong(f"{where} lacks {len(waiting)} migration(s); run `ksmp migrate`.")
    return f"{where} runs version {major} and is up to date"


async def check_nats(settings: Settings) -> str:
    """Whether every server answers with JetStream, and a stream with the wanted copies can be made."""
    for url in settings.nats_url:
        await _check_nats_server(url, settings.nats_replicas)
    return f"{len(settings.nats_url)} server(s) answer; streams may have {settings.nats_replicas} copies"


async def _check_nats_server(url: str, replicas: int) -> None:
    place = urlsplit(url)
    where = place.netloc.rpartition("@")[2]
    try:
        # The client tries a server that does not answer for minutes, so it is asked for only when one does.
        async with asyncio.timeout(TIMEOUT):
            _, writer = await asyncio.open_connection(place.hostname, place.port or 4222)
            writer.close()
            client = await nats.connect(
                url, connect_timeout=2, allow_reconnect=False, max_reconnect_attempts=0, error_cb=_ignore
            )
    except (OSError, ValueError, TimeoutError, NatsError) as error:
        raise Wrong(f"{where} refuses ({_short(error)}); check KSMP_NATS_URL.") from None
    try:
        jetstream = client.jetstream(timeout=TIMEOUT)
        try:
            await jetstream.account_info()
        except (TimeoutError, NatsError) as error:
            raise Wrong(f"{where} has no JetStream ({_short(error)}); start it with JetStream on.") from None
        # Only making a stream shows whether the cluster has room for its copies.
        name = f"ksmp-doctor-{secrets.token_hex(6)}"
        trial = StreamConfig(
            name=name,
            subjects=[f"{name}.>"],
            num_replicas=replicas,
            storage=StorageType.MEMORY,
            # Timers need it; nats-server has it from 2.12 on.
            allow_msg_schedules=True,
        )
        try:
            await jetstream.add_stream(trial)
            await jetstream.delete_stream(name)
        except (TimeoutError, NatsError) as error:
            raise Wrong(
                f"{where} cannot hold a stream with {replicas} copies ({_short(error)}); "
                "run that many servers of version 2.12 or newer in a cluster, or lower KSMP_NATS_REPLICAS."
            ) from None
    finally:
        await client.close()


async def check_keys(settings: Settings) -> str:
    """Whether the issuer publishes keys that can verify tokens."""
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT) as client:
            response = await client.get(settings.jwks_url)
            response.raise_for_status()
        keys = msgspec.json.decode(response.content, type=Keys).keys
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError) as error:
        raise Wrong(f"{settings.jwks_url} gives no keys ({_short(error)}); check KSMP_JWKS_URL.") from None
    usable = sum(key.kty == "RSA" for key in keys)
    if not usable:
        raise Wrong(f"{settings.jwks_url} has no RSA key; check KSMP_JWKS_URL.")
    return f"{settings.jwks_url} has {usable} RSA key(s)"


async def _find(subject: str, check: Awaitable[str]) -> Finding:
    try:
        return Finding(subject=subject, ok=True, text=await check)
    except (Wrong, SettingsError, KsmpError) as error:
        return Finding(subject=subject, ok=False, text=str(error))


async def _ignore(error: Exception) -> None:
    """Errors are reported by the call that meets them."""


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
