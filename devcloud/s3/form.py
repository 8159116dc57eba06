"""An upload by POST: the fields of its form, and its file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from devcloud.s3.errors import S3Error

_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)"?')
_NAME: Final = re.compile(rb'[; ]name="([^"]*)"')
_FILE_NAME: Final = re.compile(rb'[; ]filename="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class Form:
    """`fields` have lower-case names; those behind the file are none, as S3 does not read them."""

    fields: dict[str, str]
    file: bytes
    file_name: str


def read_form(content_type: str, body: bytes) -> Form:
    """Read the form; raises S3Error."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise S3Error("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")
    mark = b"--" + boundary[1].encode()
    fields: dict[str, str] = {}
    # What stands before the first boundary is none of the form's.
    begin = 0 if body.startswith(mark) else body.find(b"\r\n" + mark) + 2
    while (head_begin := body.find(b"\r\n", begin)) >= 0 and not body.startswith(b"--", begin + len(mark)):
        head_end = body.find(b"\r\n\r\n", head_begin)
        end = body.find(b"\r\n" + mark, head_end + 2)
        if head_end < 0 or end < 0:
            raise S3Error("MalformedPOSTRequest", "The body of your POST request is not well-formed.")
        head = body[head_begin:head_end]
        content = body[head_end + 4 : end] if end > head_end + 4 else b""
        name = _NAME.search(head)
        if name is not None and name[1] == b"file":
            file_name = _FILE_NAME.search(head)
            called = file_name[1].decode(errors="replace") if file_name else ""
            return Form(fields=fields, file=content, file_name=called)
        if name is not None:
            fields[name[1].decode(errors="replace").lower()] = content.decode(errors="replace")
        begin = end + 2
    raise S3Error("InvalidArgument", "POST requires exactly one file upload per request.")
