"""The gateway of submissions: its files are in the stand-in for S3, which can be told to fail."""

from __future__ import annotations

from tests.modules.assignments.submissions.conftest import credentials, node, s3

__all__ = ["credentials", "node", "s3"]
