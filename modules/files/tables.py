"""The table of files, for lists in pages."""

from __future__ import annotations

from piccolo.columns import Array, BigInt, Integer, Text, Timestamptz
from piccolo.table import Table


class FileRow(Table, tablename="file"):
    id = Text(primary_key=True)
    owner_id = Text()
    purpose = Text()
    target = Text()
    quota = Text(default="")
    name = Text()
    type = Text()
    size = BigInt()
    sha256 = Text()
    object_key = Text()
    upload_id = Text(null=True, default=None)
    part_bytes = BigInt(null=True, default=None)
    state = Text()
    reason = Text(default="")
    width = Integer(null=True, default=None)
    height = Integer(null=True, default=None)
    renditions = Array(base_column=Text())
    begun_at = Timestamptz()
    expires_at = Timestamptz()
    stored_at = Timestamptz(null=True, default=None)
    cleared_at = Timestamptz(null=True, default=None)
    unheld_at = Timestamptz(null=True, default=None)
    deleting_at = Timestamptz(null=True, default=None)
    removed_at = Timestamptz(null=True, default=None)
    rev = BigInt(default=1)
