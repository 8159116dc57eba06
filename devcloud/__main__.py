"""`python -m devcloud`: the stand-in on one address, until it is told to stop."""

from __future__ import annotations

from pathlib import Path

import click
import uvicorn

from devcloud.app import BUCKETS, QUEUE, App
from devcloud.names import Place


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=5000, show_default=True, help="Port to listen on.")
@click.option("--region", default="us-east-1", show_default=True, help="The one region that there is.")
@click.option("--account", default="123456789012", show_default=True, help="The one account that there is.")
@click.option("--queue", default=QUEUE, show_default=True, help="Name of the SQS queue that gets the events of IVS.")
@click.option(
    "--bucket", "buckets", multiple=True, default=BUCKETS, show_default=True, help="S3 buckets to begin with."
)
@click.option("--data", type=click.Path(path_type=Path), help="Folder that keeps the state of IVS between runs.")
def main(
    host: str, port: int, region: str, account: str, queue: str, buckets: tuple[str, ...], data: Path | None
) -> None:
    """Stand in for AWS: IVS, IVS real-time and IVS chat; S3, SQS, EventBridge and Cognito by moto."""
    app = App(f"{host}:{port}", Place(region, account), queue=queue, buckets=buckets, folder=data)
    # What the SDKs send is theirs to bound: a recording or an upload may take long to come.
    uvicorn.run(
        app,
        host=host,
        port=port,
        # Otherwise WEB_CONCURRENCY would be taken for it.
        workers=1,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
