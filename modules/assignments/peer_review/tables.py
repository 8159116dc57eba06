"""The table of peer reviews, for lists in pages."""

from __future__ import annotations

from piccolo.columns import Text
from piccolo.table import Table


class PeerReviewRow(Table, tablename="assignments_peer_review"):
    """Only what lists filter and sort by."""

    id = Text(primary_key=True)
    assignment_id = Text()
