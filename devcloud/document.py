"""JSON documents, as AWS' wire carries them. botocore's models know their shapes."""

from __future__ import annotations

from typing import Any

# A document is checked against its model where it comes in and where it goes out; in between it is what it is.
Document = dict[str, Any]
