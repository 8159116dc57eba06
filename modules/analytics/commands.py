"""The command `ksmp analytics`, for operators. What it needs is imported when it runs."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.contract.deployment import Deployment

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
        click.echo(f"days of {found.zone} from {found.since} to {last}")
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
