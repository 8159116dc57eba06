"""Address: where one device is reached, as a channel needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from modules.notify.devices.messages import Platform


@dataclass(frozen=True, slots=True)
class Address:
    """`value` is a registration token or a Firebase installation id, by `kind`."""

    installation: str
    platform: Platform
    kind: Literal["token", "fid"]
    value: str
