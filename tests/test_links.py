"""What the Markdown pages point at exists: the targets of links, their headings, and the files that a page names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import gateway

ROOT = Path(gateway.__file__).parent.parent
# Folders of tools, which are no part of the project.
NOT_OURS = {"node_modules", "dist", "build", "htmlcov"}
KINDS = r"py|pyi|md|sql|toml|json|js|css|html|yml|yaml|sh|proto|typed|lock"
# A path in a page starts at the page's folder, at one above it, or at one of these folders of the repository.
STARTS = ("", "gateway", "modules", "examples/whiteboard")
# Names in backticks that look like files, and are none of this repository. Each has its reason.
EXCEPTIONS = {
    # `ksmp dev` writes it into its data folder.
    "dev.json",
    # The stand-in for AWS writes it into the data folder.
    "devcloud/ivs.json",
    # The stand-in for Razorpay does, too.
    "devcloud/razorpay.json",
    # Objects that IVS writes into the bucket of recordings.
    "recording-ended.json",
    # The subprotocol that a socket asks for.
    "ksmp.v1.json",
    # Files that a reader writes.
    "conftest.py",
    "talk.py",
    # Patterns: a letter stands for what the author fills in.
    "NNNN_what.sql",
    "migrations/NNNN_what.sql",
}


def walk(folder: Path) -> Iterator[Path]:
    """Every file and folder of the project below this one; hidden ones are left out."""
    for name in sorted(os.listdir(folder)):
        path = folder / name
        if (name.startswith((".", "__")) and not name.endswith(".py")) or name in NOT_OURS:
            continue
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from walk(path)


@cache
def names() -> frozenset[str]:
    return frozenset(path.name for path in walk(ROOT))


def pages() -> list[Path]:
    return [path for path in walk(ROOT) if path.suffix == ".md"]


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The headings as a link names them."""
    heads = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}


def broken_links(page: Path) -> Iterator[str]:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            yield link


def missing_files(page: Path) -> Iterator[str]:
    for name in re.findall(r"`([\w./-]+)`", prose(page)):
        if name in EXCEPTIONS or name.startswith(("/", ".")):
            continue
        if "/" not in name:
            if re.fullmatch(rf"[\w.-]+\.({KINDS})", name) and name not in names() and not (page.parent / name).exists():
                yield name
        elif re.search(rf"/$|\.({KINDS})$", name):
            starts = [ROOT / start for start in STARTS]
            if not any((start / name).exists() for start in (page.parent, *page.parent.parents, *starts)):
                yield name


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_what_exists(page: Path) -> None:
    assert not list(broken_links(page))
    assert not list(missing_files(page))


def test_what_is_missing_is_seen(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A heading: `one`\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[here](other.md) [there](none.md) [a](other.md#a-heading-one) [b](other.md#two) [web](https://x.test/)\n"
        "`other.md` `nowhere_at_all.py` `gateway/app.py` `gateway/none.py` `modules/` `nothing/`\n"
        "```\n[code](none.md)\n```\n"
    )
    assert list(broken_links(page)) == ["none.md", "other.md#two"]
    assert list(missing_files(page)) == ["nowhere_at_all.py", "gateway/none.py", "nothing/"]
