"""A client that uploads files, as a page does it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import httpx

from ksmp_testkit.answers import done
from tests.modules.files.shelf import THING

FILES = "/api/v1/files"
PDF = b"%PDF-1.7\nsome pages\n%%EOF\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def new(content: bytes = PDF, **values: Any) -> dict[str, Any]:
    """What `POST /files` takes."""
    made = {
        "purpose": THING,
        "target": "shelf:1",
        "name": "pages.pdf",
        "type": "application/pdf",
        "size": len(content),
        "sha256": sha256(content),
    }
    return made | values


async def begun(who: httpx.AsyncClient, content: bytes = PDF, **values: Any) -> dict[str, Any]:
    """The file and how its bytes are to be sent."""
    answer: dict[str, Any] = done(await who.post(FILES, json=new(content, **values)), 201)
    return answer


async def sent(upload: dict[str, Any], content: bytes = PDF, **fields: str) -> httpx.Response:
    """What S3 answers to the form."""
    async with httpx.AsyncClient(trust_env=False) as s3:
        return await s3.post(upload["url"], data=upload["fields"] | fields, files={"file": ("any", content)})


async def parts_sent(who: httpx.AsyncClient, begun: dict[str, Any], content: bytes, *numbers: int) -> None:
    """Send some parts of a file."""
    size = begun["upload"]["part_bytes"]
    pieces = {number: content[(number - 1) * size : number * size] for number in numbers}
    wanted = {"parts": [{"number": number, "sha256": sha256(piece)} for number, piece in pieces.items()]}
    answer = done(await who.post(f"{FILES}/{begun['file']['id']}/parts", json=wanted))
    async with httpx.AsyncClient(trust_env=False) as s3:
        for part in answer["parts"]:
            headers = part["headers"]
            assert headers["x-amz-checksum-sha256"] == checksum(pieces[part["number"]])
            done(await s3.put(part["url"], content=pieces[part["number"]], headers=headers))


def checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


async def completed(who: httpx.AsyncClient, id: str) -> dict[str, Any]:
    answer: dict[str, Any] = done(await who.post(f"{FILES}/{id}/complete"))
    return answer


async def uploaded(who: httpx.AsyncClient, content: bytes = PDF, **values: Any) -> dict[str, Any]:
    """A file that was uploaded and checked."""
    made = await begun(who, content, **values)
    if made["upload"]["method"] == "form":
        done(await sent(made["upload"], content), 204)
    else:
        await parts_sent(who, made, content, *range(1, made["upload"]["parts"] + 1))
    return await completed(who, made["file"]["id"])
