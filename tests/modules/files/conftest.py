"""A gateway with the stand-in's bucket, and a module that keeps files."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ksmp_testkit import MakeGateway, Running
from modules.files.module import FilesModule
from tests.devcloud.aws import Aws
from tests.modules.files.bucket import s3
from tests.modules.files.shelf import ShelfModule

__all__ = ["s3"]

# Those that the stand-in knows: it checks what is signed with them.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "devcloud", "AWS_SECRET_ACCESS_KEY": "devcloud"}
MODULES = ("accounts", "files")
ENVIRON = {
    "KSMP_FILES_BEGIN_RATE_COUNT": "10000",
    "KSMP_FILES_RENDITION_BYTES": "200000",
    "KSMP_FILES_RENDITION_PIXELS": "40000000",
    "KSMP_FILES_AVATAR_BYTES": "5000000",
}


@pytest.fixture(scope="module", autouse=True)
def credentials() -> AsyncIterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    """The settings of `node`, for folders and files to override."""
    return ENVIRON


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str, environ: dict[str, str]) -> AsyncIterator[Running]:
    async with gateway(
        modules=MODULES,
        more=[ShelfModule],
        aws_endpoint=devcloud,
        request_burst=100_000,
        address_burst=100_000,
        environ=environ,
    ) as running:
        yield running


@pytest.fixture
def files(node: Running) -> FilesModule:
    return node.module(FilesModule)


@pytest.fixture
def shelf(node: Running) -> ShelfModule:
    """With nobody who may read, and what it allows as at the beginning."""
    return node.module(ShelfModule)


@pytest.fixture(scope="module")
async def clients_of_aws(devcloud: str) -> AsyncIterator[Aws]:
    """The clients of AWS beside the gateway."""
    clients = Aws(devcloud)
    await clients.open()
    yield clients
    await clients.close()


@pytest.fixture
async def aws(clients_of_aws: Aws) -> AsyncIterator[Aws]:
    """Without faults afterwards."""
    yield clients_of_aws
    await clients_of_aws.drive("DELETE", "faults")
