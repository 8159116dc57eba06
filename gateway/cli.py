"""The `ksmp` command. What a subcommand needs is imported when it runs, so that `ksmp --help` is quick."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from gateway.contract.module import Module

M = TypeVar("M", bound="Module")

# An entry point of it is a click command; its name is what one types after `ksmp`.
GROUP: Final = "ksmp.commands"


def expected() -> tuple[type[Exception], ...]:
    """The errors that a person can act on; looked up only when there is one."""
    from devstack.errors import DevStackError
    from gateway.db.migrate import MigrationError
    from gateway.errors import KsmpError
    from gateway.registry import RegistryError
    from gateway.settings import SettingsError

    return SettingsError, DevStackError, KsmpError, RegistryError, MigrationError


class Commands(click.Group):
    """The kernel's own commands, and those that packages bring by entry points of the group `GROUP`.

    Turns the errors a person can act on into one line on standard error and exit status 1.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *(point.name for point in entry_points(group=GROUP))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (own := super().get_command(ctx, cmd_name)) is not None:
            return own
        return next((_loaded(point) for point in entry_points(group=GROUP, name=cmd_name)), None)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, expected()):
                raise click.ClickException(" ".join(str(error).split())) from None
            raise


def _loaded(point: EntryPoint) -> click.Command:
    """The command of an entry point; when it cannot be loaded, one that says why, so that the others can be used."""
    try:
        command = point.load()
    except Exception as error:
        why = f"It cannot be loaded: {type(error).__name__}: {error}"

        def fail() -> None:
            raise click.ClickException(f"{point.name}: {why}")

        return click.Command(point.name, callback=fail, help=why)
    assert isinstance(command, click.Command), f"{point.value} is no click command"
    return command


def environment(data: Path | None) -> Mapping[str, str]:
    """The environment of this process, or of the `ksmp dev` in a folder."""
    if data is None:
        return os.environ
    from devstack.checkup import environment_of

    return environment_of(data, os.environ)


class EnvironmentDeployment:
    """Implements `gateway.contract.deployment.Deployment`, for the commands that packages bring."""

    def module(self, kind: type[M], data: Path | None = None) -> AbstractAsyncContextManager[M]:
        from gateway.deployment import opened

        return opened(kind, environment(data))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ksmp")
@click.pass_context
def main(ctx: click.Context) -> None:
    """The realtime gateway of KSMP: run it, look at it, or run all of it on this machine."""
    from gateway.telemetry.output import open_standard_streams

    open_standard_streams()
    ctx.obj = EnvironmentDeployment()


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
    from gateway.db.migrate import warning
    from gateway.settings import Settings, read

    settings = read(Settings, os.environ)
    applied = asyncio.run(apply(settings.database_url, registry.enabled(settings)))
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("nothing to do: the database is up to date")
    if said := asyncio.run(warning(settings.database_url)):
        click.echo(f"note on the database: {said}", err=True)


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
    from gateway import module_folders, registry
    from gateway.app import Gateway
    from gateway.asgi import create_app

    module_folders.use_those_of(os.environ)
    wanted = [name for part in os.environ.get("KSMP_MODULES", "").split(",") if (name := part.strip())]
    versions = {
        point.name: point.dist.version for point in entry_points(group=module_folders.GROUP) if point.dist is not None
    }
    # Asked for as the gateway asks, so that a set that cannot start is an error here too.
    on = {module.name for module in registry.load(wanted)}
    gateway = Gateway.described(registry.load())
    # For its checks of the routes: a module that is listed here can start.
    create_app(gateway)
    for module in gateway.modules:
        click.echo(f"{module.name} {versions.get(module.name, '?')} ({'on' if module.name in on else 'off'})")
        parts = {
            "requires": module.requires,
            "rooms": [kind.name for kind in module.rooms],
            "commands": gateway.declarations.of(module.name, gateway.declarations.commands),
            "pushes": gateway.declarations.of(module.name, gateway.declarations.pushes),
            "events": gateway.declarations.of(module.name, gateway.declarations.events),
            "listens": gateway.declarations.of(module.name, gateway.declarations.listeners),
            "timers": gateway.declarations.of(module.name, gateway.declarations.timers),
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
        return environment(data)

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


@main.command()
def settings() -> None:
    """Print every setting: its variable, default and meaning."""
    from gateway import module_folders, registry
    from gateway.settings import Settings, table

    module_folders.use_those_of(os.environ)
    click.echo(table(Settings))
    for module in registry.load():
        if module.settings_type is not None:
            click.echo(f"\nModule {module.name}:\n")
            click.echo(table(module.settings_type, registry.settings_prefix(module)))


if __name__ == "__main__":
    main()
