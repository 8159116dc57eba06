"""`POST /import`: a batch of records, each of which is kept or refused by itself."""

from __future__ import annotations

import zlib
from typing import Any, Final

import msgspec

from devcloud.document import Document
from devcloud.mixpanel import answers
from devcloud.mixpanel.project import Project
from devcloud.mixpanel.validation import Invalid, check
from devcloud.wire import Request, Response

MOST_RECORDS: Final = 2000
# Of the body as it is without gzip. Pages of Mixpanel say 2 MB and 10 MB: the smaller one is safe with both.
MOST_BYTES: Final = 2 * 1024 * 1024


def answer(project: Project, request: Request) -> Response:
    """The answer of `/import`. Records that are valid are kept, also beside others that are not."""
    parameters = request.parameters
    if not project.may_import(request.header("authorization"), parameters.get("project_id", [""])[0]):
        return answers.error(401, "Invalid credentials")
    try:
        body = _unpacked(request)
        records = _records(body, request.header("content-type"))
    except (zlib.error, msgspec.DecodeError, ValueError) as error:
        return answers.error(400, f"request body is not valid: {error}")
    if len(body) > MOST_BYTES:
        return answers.error(413, f"request exceeds max limit of {MOST_BYTES} bytes")
    if len(records) > MOST_RECORDS:
        return answers.error(413, f"request exceeds max limit of {MOST_RECORDS} events")
    failed = _import(project, records)
    strict = parameters.get("strict", ["0"])[0] == "1"
    kept = len(records) - len(failed)
    if failed and strict:
        text = "some data points in the request failed validation"
        more = {"failed_records": failed, "num_records_imported": kept}
        return answers.document({"code": 400, "error": text, "status": answers.STATUSES[400], **more}, 400)
    return answers.document({"code": 200, "num_records_imported": kept, "status": "OK"})


def _import(project: Project, records: list[Any]) -> list[Document]:
    """Keep what is valid; the others as `failed_records` names them."""
    failed: list[Document] = []
    for index, record in enumerate(records):
        try:
            check(record)
            if record["event"] in project.refused:
                raise Invalid("event", f"'event' is invalid: {record['event']} is not in the schema")
        except Invalid as invalid:
            properties = record.get("properties") if isinstance(record, dict) else None
            insert_id = properties.get("$insert_id", "") if isinstance(properties, dict) else ""
            failed.append({"index": index, "insert_id": insert_id, "field": invalid.field, "message": invalid.message})
            continue
        project.keep(record)
    return failed


def _unpacked(request: Request) -> bytes:
    if request.header("content-encoding") != "gzip":
        return request.body
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    return unpack.decompress(request.body, MOST_BYTES + 1)


def _records(body: bytes, media_type: str) -> list[Any]:
    if media_type.partition(";")[0].strip() == "application/x-ndjson":
        return [msgspec.json.decode(line) for line in body.splitlines() if line.strip()]
    if len(body) > MOST_BYTES:
        # It was not unpacked to the end, and is refused for its size.
        return []
    records = msgspec.json.decode(body)
    if not isinstance(records, list):
        raise ValueError("expected an array of events")
    return records
