"""A module of the tests that keeps files: things on shelves. `shelf:<x>` as a target is a shelf of everybody's."""

from __future__ import annotations

from typing import Final

from gateway.contract import Kernel, Module
from gateway.errors import not_found
from gateway.principal import Author, Principal
from modules.files.facade import Allowance, FileFacts, Files, Purpose, of

THING: Final = "shelf.thing"
OTHER: Final = "shelf.other"


async def quiet(text: str, author: Author) -> str:
    """A filter that lets nobody shout."""
    return text.replace("SHOUT", "shout")


class ShelfModule(Module):
    """Whoever is in `readers` may read what is held here; the targets `shelf:…` exist."""

    name = "shelf"
    requires = ("files",)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.allowance = Allowance(("application/pdf",), 1024**3)
        self.readers: set[str] = set()
        self.names: dict[str, str] = {}
        self.contributions = (
            Purpose(name=THING, admit=self._admit, may_read=self._may_read, read_name=self._name, thumbnails=True),
            Purpose(
                name=OTHER,
                admit=self._admit,
                may_read=self._may_read,
                names_filtered=False,
                keeps_refused=True,
            ),
        )
        kernel.filters.add(quiet)

    @property
    def files(self) -> Files:
        return of(self.kernel)

    async def put(self, shelf: str, *file_ids: str, owner: str | None, purpose: str = THING) -> list[FileFacts]:
        async with self.kernel.database.transaction():
            return await self.files.attach(f"shelf.place:{shelf}", file_ids, purpose=purpose, owner_id=owner)

    async def clear(self, *shelves: str) -> None:
        async with self.kernel.database.transaction():
            await self.files.detach([f"shelf.place:{shelf}" for shelf in shelves])

    async def _admit(self, principal: Principal, target: str) -> Allowance:
        if not target.startswith("shelf:"):
            raise not_found("there is no such shelf")
        return self.allowance

    async def _may_read(self, principal: Principal, file: FileFacts) -> bool:
        return principal.id in self.readers

    async def _name(self, principal: Principal, file: FileFacts) -> str:
        return self.names.get(principal.id, file.name)
