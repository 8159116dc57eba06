"""`python -m devcloud`: the stand-in on one address, until it is told to stop."""

from __future__ import annotations

from pathlib import Path

import click
import uvicorn

from devcloud.app import ACCESS_KEYS, BUCKETS, QUEUE, App
from devcloud.names import Place
from devcloud.razorpay.settings import Settings as RazorpaySettings

RAZORPAY = RazorpaySettings()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=5000, show_default=True, help="Port to listen on.")
@click.option("--region", default="us-east-1", show_default=True, help="The one region that there is.")
@click.option("--account", default="123456789012", show_default=True, help="The one account that there is.")
@click.option("--queue", default=QUEUE, show_default=True, help="Name of the SQS queue that gets the events of IVS.")
@click.option(
    "--bucket", "buckets", multiple=True, default=BUCKETS, show_default=True, help="S3 buckets to begin with."
)
@click.option(
    "--access-key",
    "access_keys",
    type=(str, str),
    multiple=True,
    default=tuple(ACCESS_KEYS.items()),
    show_default=True,
    help="Id and secret of keys whose signatures S3 checks.",
)
@click.option(
    "--clamd-port", type=click.IntRange(0, 65_535), default=0, help="Port of the stand-in for clamd; 0 is a free one."
)
@click.option("--razorpay-key-id", default=RAZORPAY.key_id, show_default=True, help="Key of the Razorpay account.")
@click.option("--razorpay-key-secret", default=RAZORPAY.key_secret, show_default=True, help="Its secret.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder that keeps the state between runs.")
def main(
    host: str,
    port: int,
    region: str,
    account: str,
    queue: str,
    buckets: tuple[str, ...],
    access_keys: tuple[tuple[str, str], ...],
    clamd_port: int,
    data: Path | None,
    razorpay_key_id: str,
    razorpay_key_secret: str,
) -> None:
    """Stand in for Razorpay and AWS: IVS, IVS real-time, IVS chat; S3, SQS, EventBridge and Cognito by moto."""
    razorpay = RazorpaySettings(key_id=razorpay_key_id, key_secret=razorpay_key_secret)
    place = Place(region, account)
    keys = dict(access_keys)
    app = App(
        f"{host}:{port}",
        place,
        queue=queue,
        buckets=buckets,
        access_keys=keys,
        folder=data,
        clamd_port=clamd_port,
        razorpay=razorpay,
    )
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
