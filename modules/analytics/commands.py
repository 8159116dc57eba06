"""The command `ksmp analytics`, for operators. What it needs is imported when it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.contract.deployment import Deployment
    from modules.analytics.comparison.compared import Compared
    from modules.analytics.store.writer import Written

DATE = click.DateTime(["%Y-%m-%d"])


@click.group()
def analytics() -> None:
    """Look after the figures of analytics."""


@analytics.command()
@click.option("--from", "since", type=DATE, metavar="YYYY-MM-DD", help="First day, of the zone of analytics.")
@click.option("--until", type=DATE, metavar="YYYY-MM-DD", help="Last day.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of a `ksmp dev` that runs, to look at instead.")
@click.pass_obj
def rebuild(deployment: Deployment, since: datetime | None, until: datetime | None, data: Path | None) -> None:
    """Add up again what is kept of single events, while new ones arrive.

    By default all days of which single events are kept. One that was stopped goes on where it was.
    """
    asyncio.run(_rebuild(deployment, since, until, data))


async def _rebuild(deployment: Deployment, since: datetime | None, until: datetime | None, data: Path | None) -> None:
    from modules.analytics.module import AnalyticsModule

    async with deployment.module(AnalyticsModule, data) as module:
        after = None if until is None else until.date() + timedelta(days=1)
        found = await module.rebuild.begin(None if since is None else since.date(), after)
        if found is None:
            click.echo("nothing to do: no events are kept of these days")
            return
        last = found.until - timedelta(days=1)
        click.echo(f"adding up days of {found.zone} from {found.since} to {last}")
        with click.progressbar(length=(found.until - found.since).days, label="days") as bar:
            # One that goes on has days behind it.
            at = found.since
            while at < found.until:
                bar.update((found.next - at).days)
                at, left = found.next, await module.rebuild.step()
                if left is None:
                    bar.update((found.until - at).days)
                    break
                found = left
        click.echo("all days are added up anew")


@analytics.command()
@click.option("--from", "since", type=DATE, metavar="YYYY-MM-DD", required=True, help="First day that is compared.")
@click.option("--until", type=DATE, metavar="YYYY-MM-DD", help="Last day; by default the first is the only one.")
@click.option("--wait", type=float, default=60.0, help="Seconds to wait until the facts of a day are stored.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of a `ksmp dev` that runs, to look at instead.")
@click.pass_obj
def compare(deployment: Deployment, since: datetime, until: datetime | None, wait: float, data: Path | None) -> None:
    """Compare the facts of days with the rows of the modules, and list what they do not agree on.

    A gateway has to run, which stores facts. The exit status is 1 when something differs, or could not be compared.
    """
    agree = asyncio.run(_compare(deployment, since.date(), (until or since).date(), wait, data))
    if not agree:
        raise click.exceptions.Exit(1)


async def _compare(deployment: Deployment, since: date, until: date, wait: float, data: Path | None) -> bool:
    from modules.analytics.module import AnalyticsModule

    agree = True
    async with deployment.module(AnalyticsModule, data) as module:
        for day in module.comparison.days(since, until):
            found = await module.comparison.settled(day, wait)
            for line in compared_lines(day, found):
                click.echo(line)
            agree = agree and found is not None and all(one.agrees for one in found)
    return agree


def compared_lines(day: date, found: list[Compared] | None) -> Iterator[str]:
    """What an operator reads of one day."""
    if found is None:
        yield f"{day}  not compared: facts of now are not stored yet; does a gateway run?"
        return
    differing = [one for one in found if not one.agrees]
    yield f"{day}  {len(found)} figures compared, {len(differing)} differ"
    for one in differing:
        # What rows do not tell is not compared, and so not shown.
        pairs = (("count", one.facts.count, one.rows.count), ("sum", one.facts.value, one.rows.value))
        said = [f"{what} {facts} by facts, {rows} by rows" for what, facts, rows in pairs if rows is not None]
        yield f"  {one.name} {one.label or '(all)'}: {'; '.join(said)}"


@analytics.command()
@click.option("--from", "since", type=DATE, metavar="YYYY-MM-DD", required=True, help="First day.")
@click.option("--until", type=DATE, metavar="YYYY-MM-DD", help="Last day; by default the day in which analytics began.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of a `ksmp dev` that runs, to look at instead.")
@click.pass_obj
def backfill(deployment: Deployment, since: datetime, until: datetime | None, data: Path | None) -> None:
    """Store the facts that the rows of the modules tell of, of the time before analytics was on."""
    done = asyncio.run(_backfill(deployment, since.date(), None if until is None else until.date(), data))
    click.echo(f"stored {done.stored} facts; {done.repeated} were there, {done.too_old} are of a time that is not kept")


async def _backfill(deployment: Deployment, since: date, until: date | None, data: Path | None) -> Written:
    from modules.analytics.module import AnalyticsModule
    from modules.analytics.store.writer import Written

    done = Written(0, 0, 0)
    async with deployment.module(AnalyticsModule, data) as module:
        days = module.comparison.days(since, until or await module.backfill.last_day())
        with click.progressbar(days, label="days") as bar:
            for day in bar:
                one = await module.backfill.day(day)
                done = Written(done.stored + one.stored, done.repeated + one.repeated, done.too_old + one.too_old)
    return done
