"""`ksmp new-module`: a small module that works, with its page and its test, to change into one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from devstack.errors import DevStackError
from gateway import registry

# Each file's name ends in .txt, so that no tool takes it for a part of this package.
SKELETON: Final = Path(__file__).parent / "skeleton"


def write(name: str, into: Path) -> Path:
    """Write the module into a new folder, which is returned. Raises DevStackError, and then writes nothing."""
    if not registry.NAME.fullmatch(name):
        raise DevStackError(f"{name!r} is no name for a module; use up to 32 of a-z, 0-9 and _, a letter first.")
    if name in registry.installed():
        raise DevStackError(f"A module {name} is installed already; choose another name.")
    folder = into / name
    if folder.exists():
        raise DevStackError(f"{folder} exists already; choose another name, or another folder with --into.")
    try:
        for source in sorted(SKELETON.rglob("*.txt")):
            target = folder / _named(str(source.relative_to(SKELETON).with_suffix("")), name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_named(source.read_text(), name))
    except OSError as error:
        raise DevStackError(f"{folder} cannot be written: {error.strerror or error}.") from None
    return folder


def _named(text: str, name: str) -> str:
    title = "".join(part.capitalize() for part in name.split("_"))
    return text.replace("Skeleton", title).replace("skeleton", name)
