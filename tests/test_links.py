"""What the Markdown pages point at exists: the targets of links, their headings, and the files that a page names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import gateway

ROOT = Path(gateway.__file__).parent.parent
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
    # The archive of an assignment holds it.
    "manifest.json",
    # The subprotocol that a socket asks for.
    "ksmp.v1.json",
    # Files that a reader writes.
    "conftest.py",
    "talk.py",
    # Patterns: a letter stands for what the author fills in.
    "NNNN_what.sql",
    "migrations/NNNN_what.sql",
}


@cache
def files() -> frozenset[Path]:
    """Every file that git keeps: what stands in ignored folders of one machine is missing in a fresh clone."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        # Sources that are no checkout have nothing else in them.
        return frozenset(path for path in ROOT.rglob("*") if path.is_file())
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return frozenset(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).exists())


@cache
def folders() -> frozenset[Path]:
    return frozenset(folder for file in files() for folder in file.parents if folder.is_relative_to(ROOT))


@cache
def names() -> frozenset[str]:
    return frozenset(path.name for path in files())


def exists(path: Path) -> bool:
    """Whether the project has this file or folder; outside of it, whether the disk has."""
    whole = Path(os.path.normpath(path))
    return whole in files() or whole in folders() if whole.is_relative_to(ROOT) else whole.exists()


def pages() -> list[Path]:
    return sorted(path for path in files() if path.suffix == ".md")


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
        if not exists(target) or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            yield link


def missing_files(page: Path) -> Iterator[str]:
    for name in re.findall(r"`([\w./-]+)`", prose(page)):
        if name in EXCEPTIONS or name.startswith(("/", ".")):
            continue
        if "/" not in name:
            if re.fullmatch(rf"[\w.-]+\.({KINDS})", name) and name not in names() and not exists(page.parent / name):
                yield name
        elif re.search(rf"/$|\.({KINDS})$", name):
            starts = [ROOT / start for start in STARTS]
            if not any(exists(start / name) for start in (page.parent, *page.parent.parents, *starts)):
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
    # On the disk of a checkout, and not kept by git.
    assert not exists(ROOT / ".git")
