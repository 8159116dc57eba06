"""The roles of session rooms, which live owns, as far as chat's rules name them."""

from __future__ import annotations

from typing import Final

VIEWER: Final = "viewer"
# Modes and slow mode bind only those below this role.
SPEAKER: Final = "speaker"
# The least role that moderates.
COHOST: Final = "cohost"
# The roles that moderate.
HOSTS: Final = frozenset({"cohost", "host"})
