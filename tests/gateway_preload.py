"""What the fork server of gateways loads once: the gateway and all installed modules."""

from __future__ import annotations

import gc

import gateway.cli
import gateway.server
from gateway import registry

__all__ = ["gateway"]

registry.load()
# Pages that no collector writes to stay shared with the gateways.
gc.freeze()
