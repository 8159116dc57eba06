"""Checks what a gateway needs before it starts: settings, PostgreSQL, NATS and the token issuer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped,unused-ignore]
import httpx
import msgspec
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from gateway import registry
from gateway.bus import log_record
from gateway.bus.client import NatsClient
from gateway.bus.inline_subscription import InlineSubscription
from gateway.errors import KsmpError
from gateway.events import names
from gateway.nats_address import NatsAddress
from gateway.settings import Settings, SettingsError, read
from gateway.surroundings import http_client, obeyed

TIMEOUT = 5.0
OLDEST_POSTGRES = 14
# Subscriptions that a small gateway needs: its own and its consumers', and two for each of some hundred rooms.
SUBSCRIPTIONS = 500
# What a message's headers and the record around it may add.
ENVELOPE = 4096
# Bytes of a trial message.
TRIAL = 1024


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
        said = registry.check_environment(modules, environ)
    except (registry.RegistryError, SettingsError) as error:
        return [Finding(subject="settings", ok=False, text=str(error))]
    checks: dict[str, Callable[[Settings], Awaitable[str]]] = {
        "PostgreSQL": check_postgres,
        "NATS": check_nats,
        "token keys": check_keys,
    }
    findings = await asyncio.gather(*(_find(subject, check(settings)) for subject, check in checks.items()))
    on = ", ".join(module.name for module in modules)
    # Of this process, whose libraries they are for.
    others = f"; also obeyed: {', '.join(found)}" if (found := obeyed(os.environ)) else ""
    own = [Finding(subject=name, ok=True, text=text) for name, text in said.items()]
    return [Finding(subject="settings", ok=True, text=f"complete; modules that are on: {on}{others}"), *own, *findings]


async def check_postgres(settings: Settings) -> str:
    """Whether the database answers, is new enough and has every migration."""
    from gateway.db.letters import case_fault, encoding_fault
    from gateway.db.migrate import MigrationError, check_applied, pending

    place = urlsplit(settings.database_url)
    where = f"{place.hostname}:{place.port or 5432}{place.path}"
    try:
        connection = await asyncpg.connect(settings.database_url, timeout=TIMEOUT)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Wrong(f"{where} refuses ({_short(error)}); check KSMP_DATABASE_URL.") from None
    try:
        major = connection.get_server_version().major
        fault = await encoding_fault(connection)
        note = None if fault else await case_fault(connection)
    finally:
        await connection.close(timeout=TIMEOUT)
    if major < OLDEST_POSTGRES:
        raise Wrong(f"{where} runs version {major}; {OLDEST_POSTGRES} or newer is needed.")
    if fault:
        raise Wrong(f"{where} cannot hold our texts: {fault}.")
    modules = registry.enabled(settings)
    try:
        await check_applied(settings.database_url, modules)
    except MigrationError as error:
        raise Wrong(str(error)) from None
    waiting = await pending(settings.database_url, modules)
    if waiting:
        raise Wrong(f"{where} lacks {len(waiting)} migration(s); run `ksmp migrate`.")
    return f"{where} runs version {major} and is up to date{f'; {note}' if note else ''}"


async def check_nats(settings: Settings) -> str:
    """Whether every server lets a gateway do what it does on the bus, and JetStream stores what it is given."""
    for server in settings.nats_url:
        await _check_nats_server(NatsAddress.parse(server), settings)
    return (
        f"{len(settings.nats_url)} server(s) answer, store and let a gateway speak; "
        f"streams may have {settings.nats_replicas} copies"
    )


async def _check_nats_server(server: NatsAddress, settings: Settings) -> None:
    where = server.url.partition("://")[2]
    reported: list[str] = []
    try:
        client = await NatsClient.open(server, "ksmp-doctor", on_error=reported.append, on_doubt=_ignore)
    except (OSError, ValueError, TimeoutError, NatsError) as error:
        raise Wrong(f"{where} refuses ({_short(error)}); check KSMP_NATS_URL.") from None
    try:
        await _check_bus(where, client, settings)
        await _check_jetstream(where, client, settings.nats_replicas)
    except (OSError, TimeoutError, NatsError) as error:
        why = reported[-1] if reported else _short(error)
        raise Wrong(f"{where} ends what a gateway begins ({why}); look at its log.") from None
    finally:
        client.cut()


async def _check_bus(where: str, client: NatsClient, settings: Settings) -> None:
    """Whether a gateway may hear and say what it needs, in rooms of its own for the trial."""
    room = f"ksmp-doctor.{secrets.token_hex(6)}"
    heard = asyncio.Event()
    subjects = [f"{log_record.POKE}>", *(f"{start}{room}" for start in (log_record.OUT, log_record.PRESENCE))]
    subjects += [f"gateway.doctor.{number}" for number in range(SUBSCRIPTIONS - len(subjects))]
    subscriptions = [InlineSubscription(subject, lambda message: heard.set()) for subject in subjects]
    refused = await client.register(subscriptions)
    if refused:
        raise Wrong(
            f"{where} refused {len(refused)} of {len(subscriptions)} subscriptions ({refused[0].subject} is one); "
            "raise max_subscriptions, and permit gateways everything."
        )
    await client.publish(f"{log_record.OUT}{room}", b"")
    await client.settle()
    if not heard.is_set():
        raise Wrong(f"{where} does not let a gateway publish to {log_record.OUT}>; permit gateways everything.")
    largest = max(settings.event_bytes, settings.message_bytes) + ENVELOPE
    if client.max_payload < largest:
        raise Wrong(f"{where} takes messages of {client.max_payload} bytes; raise max_payload to {largest} or more.")


async def _check_jetstream(where: str, client: NatsClient, replicas: int) -> None:
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
        storage=StorageType.FILE,
        # Timers need it; nats-server has it from 2.12 on.
        allow_msg_schedules=True,
    )
    try:
        await jetstream.add_stream(trial)
    except (TimeoutError, NatsError) as error:
        raise Wrong(
            f"{where} cannot hold a stream with {replicas} copies ({_short(error)}); "
            "run that many servers of version 2.12 or newer in a cluster with room on their disks, "
            "or lower KSMP_NATS_REPLICAS."
        ) from None
    try:
        # The first message is taken by a server that has reached its limit, and not the second.
        for _ in range(2):
            await jetstream.publish(f"{name}.trial", bytes(TRIAL), timeout=TIMEOUT)
    except (TimeoutError, NatsError) as error:
        raise Wrong(f"{where} cannot store ({_short(error)}); make room on its disk or raise its limits.") from None
    finally:
        with contextlib.suppress(TimeoutError, NatsError):
            await jetstream.delete_stream(name)
    for stream in (log_record.STREAM, names.EVENTS, names.TIMERS, names.DEAD):
        await _check_stream(where, jetstream, stream)


async def _check_stream(where: str, jetstream: JetStreamContext, name: str) -> None:
    """Whether a stream that is there already takes more; a gateway makes those that are missing."""
    try:
        info = await jetstream.stream_info(name)
    except NotFoundError:
        return
    config, state = info.config, info.state
    for limit, used, what in ((config.max_bytes, state.bytes, "bytes"), (config.max_msgs, state.messages, "messages")):
        if config.discard == DiscardPolicy.NEW and limit is not None and 0 < limit <= used + TRIAL * (what == "bytes"):
            raise Wrong(f"the stream {name} on {where} is full ({used} of {limit} {what}); raise its limit.")


async def check_keys(settings: Settings) -> str:
    """Whether the issuer publishes keys that can verify tokens."""
    try:
        async with http_client(timeout=TIMEOUT) as client:
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


def _ignore() -> None:
    """A check asks for each subscription once."""


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
