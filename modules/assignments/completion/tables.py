"""The table of certificates, for lists in pages."""

from __future__ import annotations

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table


class CertificateRow(Table, tablename="assignments_certificate"):
    id = Text(primary_key=True)
    code = Text()
    program_id = Text()
    program_title = Text()
    user_id = Text()
    name = Text()
    issued_at = Timestamptz()
    revoked_at = Timestamptz(null=True, default=None)
    reason = Text()
    rev = BigInt()
