"""What files are for: the purposes that the modules of this gateway contributed."""

from __future__ import annotations

from functools import cached_property

from gateway.contract import Kernel
from gateway.principal import Principal
from modules.files.facade import FileFacts, Purpose


class Purposes:
    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    @cached_property
    def _by_name(self) -> dict[str, Purpose]:
        """Complete once all modules are built."""
        return {purpose.name: purpose for purpose in self._kernel.contributed(Purpose)}

    def find(self, name: str) -> Purpose | None:
        """None for one of a module that is off, or that nobody has."""
        return self._by_name.get(name)

    async def may_read(self, principal: Principal, file: FileFacts) -> bool:
        """Whether somebody may read it now. A file that nothing holds yet is its owner's."""
        if not file.holders:
            return principal.id == file.owner_id
        purpose = self.find(file.purpose)
        return purpose is not None and await purpose.may_read(principal, file)

    async def name(self, principal: Principal, file: FileFacts) -> str:
        """The name under which somebody sees a file that they may read."""
        purpose = self.find(file.purpose)
        if purpose is None or not file.holders:
            return file.name
        return await purpose.read_name(principal, file)
