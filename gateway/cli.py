"""The `ksmp` command. What a subcommand needs is imported when it runs, so that `ksmp --help` is quick."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

import click


def expected() -> tuple[type[Exception], ...]:
    """The errors that a person can act on; looked up only when there is one."""
    from devstack.errors import DevStackError
    from gateway.db.migrate import MigrationError
    from gateway.errors import KsmpError
    from gateway.registry import RegistryError
    from gateway.settings import SettingsError

    return SettingsError, DevStackError, KsmpError, RegistryError, MigrationError


class Commands(click.Group):
    """Turns the errors a person can act on into one line on standard error and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, expected()):
                raise click.ClickException(" ".join(str(error).split())) from None
            raise


def duration(ctx: click.Context, param: click.Parameter, value: str) -> float:
    """Reads a time such as `90s`, `15m`, `8h` or `7d`; gives seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", value, re.ASCII)
    if match is None:
        raise click.BadParameter(f"{value!r} is not a time like 90s, 15m, 8h or 7d.", ctx, param)
    return float(match[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}[match[2]]


def prefix(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Checks that user ids made with this prefix are ones a token may name."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", value, re.ASCII):
        raise click.BadParameter("use up to 40 letters, digits, - and _.", ctx, param)
    return value


data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path(".ksmp"),
    show_default=True,
    help="Folder of `ksmp dev`.",
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ksmp")
def main() -> None:
    """The realtime gateway of KSMP: run it, look at it, or run all of it on this machine."""


@main.command()
@data_option
@click.option("--port", type=click.IntRange(1, 65_500), default=8000, show_default=True, help="First gateway's port.")
@click.option("--gateways", type=click.IntRange(1, 16), default=2, show_default=True, help="Gateway processes.")
@click.option(
    "--nats-nodes", type=click.Choice(["1", "3"]), default="1", show_default=True, help="Servers of the NATS cluster."
)
@click.option("--cloud/--no-cloud", default=True, show_default=True, help="Whether AWS is stood in for.")
@click.option("--fresh", is_flag=True, help="Delete what earlier runs left in the folder, and start over.")
def dev(data: Path, port: int, gateways: int, nats_nodes: str, cloud: bool, fresh: bool) -> None:
    """Run everything on this machine: PostgreSQL, NATS, a stand-in for AWS, and gateways.

    Nothing needs to be installed or set up. The gateways listen on PORT and the ports above it. Data is
    kept between runs; `dev.json` in the folder tells addresses, tokens and process ids while it runs.
    KSMP_* variables reach the gateways and win over what this command sets, except for KSMP_PORT.
    Ctrl-C stops everything.
    """
    # What follows takes a moment to load, and nobody should wonder whether anything happens.
    click.echo(f"Starting in {data.absolute()}; Ctrl-C stops everything")
    from devstack.dev import Dev
    from devstack.stack import Options

    options = Options(data=data, port=port, gateways=gateways, nats_nodes=int(nats_nodes), cloud=cloud, fresh=fresh)
    asyncio.run(Dev(options, say=click.echo).run())


@main.command()
@data_option
@click.option("--role", type=click.Choice(["student", "mentor", "admin"]), required=True, help="Role of the users.")
@click.option("--count", type=click.IntRange(1), default=1, show_default=True, help="How many users.")
@click.option("--prefix", default="load", show_default=True, callback=prefix, help="What their ids begin with.")
@click.option(
    "--ttl", default="8h", show_default=True, callback=duration, help="How long the tokens live: 90s, 15m, 8h, 7d."
)
def token(data: Path, role: str, count: int, prefix: str, ttl: float) -> None:
    """Print tokens of the development issuer, one a line, each for a user of its own.

    The users are PREFIX-ROLE-1, PREFIX-ROLE-2 and so on. Works while `ksmp dev` is stopped, too.
    """
    from devstack.people import many_tokens
    from gateway.principal import Role

    for line in many_tokens(data, Role(role), count=count, prefix=prefix, ttl=ttl):
        click.echo(line)


@main.command()
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that share the port.")
def serve(workers: int) -> None:
    """Run the gateway with the settings in the environment (see `ksmp settings`)."""
    from gateway.server import serve as run
    from gateway.settings import Settings, read

    run(read(Settings, os.environ), workers)


@main.command()
def migrate() -> None:
    """Bring the database up to date with the modules that are on."""
    from gateway import registry
    from gateway.db.migrate import migrate as apply
    from gateway.settings import Settings, read

    settings = read(Settings, os.environ)
    applied = asyncio.run(apply(settings.database_url, registry.load(settings.modules)))
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("nothing to do: the database is up to date")


@main.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder of a `ksmp dev` to look at instead.")
def doctor(data: Path | None) -> None:
    """Check the settings, and that PostgreSQL, NATS and the token issuer answer as the gateway needs it.

    Of a `ksmp dev` the addresses are known; KSMP_* variables count as they would for it.
    """
    from devstack.checkup import examine_dev
    from gateway.doctor import examine

    findings = asyncio.run(examine(os.environ) if data is None else examine_dev(data, os.environ))
    for finding in findings:
        click.echo(str(finding))
    if not all(finding.ok for finding in findings):
        raise click.exceptions.Exit(1)


@main.command()
def modules() -> None:
    """List the installed modules, what each adds, and which are on (see KSMP_MODULES)."""
    from gateway import registry

    wanted = [name for part in os.environ.get("KSMP_MODULES", "").split(",") if (name := part.strip())]
    versions = {
        point.name: point.dist.version for point in entry_points(group=registry.GROUP) if point.dist is not None
    }
    # Asked for as the gateway asks, so that a set that cannot start is an error here too.
    on = {module.name for module in registry.load(wanted)}
    for module in registry.load():
        click.echo(f"{module.name} {versions.get(module.name, '?')} ({'on' if module.name in on else 'off'})")
        parts = {
            "requires": module.requires,
            "rooms": [kind.name for kind in module.rooms],
            "commands": [command.name for command in module.commands],
            "events": sorted(registry.events([module])),
            "listens": [listener.name for listener in module.listens],
            "timers": [timer.name for timer in module.timers],
        }
        for name, values in parts.items():
            if values:
                click.echo(f"  {name}: {', '.join(values)}")


@main.group()
def events() -> None:
    """Look after domain events and timers."""


@events.group(invoke_without_command=True)
@click.option("--name", default="", help="Only those of this listener or timer.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of a `ksmp dev` that runs, to look at instead.")
@click.pass_context
def dead(ctx: click.Context, name: str, data: Path | None) -> None:
    """List the dead letters: events and timers whose handlers gave up. See also show and requeue.

    Each line is the number, when it was given up, the listener or timer, the event, its id and the error. --data goes
    before show and requeue: `ksmp events dead --data .ksmp show 3`.
    """

    def environ() -> Mapping[str, str]:
        if data is None:
            return os.environ
        from devstack.checkup import environment_of

        return environment_of(data, os.environ)

    # Called by what needs a deployment: the help of show and requeue needs none.
    ctx.obj = environ
    if ctx.invoked_subcommand is not None:
        return
    from gateway.events import dead_letter_commands

    for line in asyncio.run(dead_letter_commands.lines(environ(), name or None)):
        click.echo(line)


@dead.command()
@click.argument("number", type=click.IntRange(1))
@click.pass_obj
def show(environ: Callable[[], Mapping[str, str]], number: int) -> None:
    """Print one dead letter whole, with its last error and what the handler was to be given."""
    from gateway.events import dead_letter_commands

    click.echo(asyncio.run(dead_letter_commands.show(environ(), number)))


@dead.command()
@click.argument("numbers", type=click.IntRange(1), nargs=-1)
@click.option("--all", "every", is_flag=True, help="All there are.")
@click.option("--name", default="", help="All of this listener or timer.")
@click.pass_obj
def requeue(environ: Callable[[], Mapping[str, str]], numbers: tuple[int, ...], every: bool, name: str) -> None:
    """Hand dead letters to their handlers again, with all their tries: those with these NUMBERS, or with an option."""
    if bool(numbers) + every + bool(name) != 1:
        raise click.UsageError("Say which: numbers, --name or --all.")
    from gateway.events import dead_letter_commands

    count = asyncio.run(dead_letter_commands.requeue(environ(), numbers, name or None))
    click.echo(f"requeued {count}")


@main.group()
def devcloud() -> None:
    """Drive the stand-in for AWS of a `ksmp dev`."""


@devcloud.command()
@click.argument("step", type=click.Choice(["start", "stop"]))
@click.argument("session", default="")
@click.option("--arn", default="", help="The channel itself, in place of a session.")
@click.option("--reconnect", is_flag=True, help="Come back when the service hangs up, as OBS does.")
@data_option
def stream(step: Literal["start", "stop"], session: str, arn: str, reconnect: bool, data: Path) -> None:
    """Let the video of SESSION begin or end, as a mentor's OBS would; without SESSION, that of the demo class."""
    if session and arn:
        raise click.UsageError("Name the session or the channel, not both.")
    from devstack.encoder import drive

    driven = drive(data, step, session=session, arn=arn, reconnect=reconnect)
    click.echo(f"{driven.stream_id} on {driven.channel_arn} {'is live' if step == 'start' else 'has ended'}")


@main.command()
def settings() -> None:
    """Print every setting: its variable, default and meaning."""
    from gateway import registry
    from gateway.settings import Settings, table

    click.echo(table(Settings))
    for module in registry.load():
        if module.settings_type is not None:
            click.echo(f"\nModule {module.name}:\n")
            click.echo(table(module.settings_type, registry.settings_prefix(module)))


if __name__ == "__main__":
    main()
