"""The files of the dashboards: served to anyone, kept by browsers, and what they say they are."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import httpx
import msgspec
import pytest

from ksmp_testkit import MakeGateway
from modules.analytics.pages.site import OWN, VENDOR

PLACE = "/dashboards"
ECHARTS = "echarts-6.1.0.common.min.js"
IMPORT = re.compile(r'(?:from|import)\s+"([^"]+)"')
LOADED = re.compile(r'<(?:script|link)[^>]*?(?:src|href)="([^"]+)"')


def published() -> list[tuple[Path, str]]:
    """Each file of others with the hash that its publisher's archive gives it."""
    packages = msgspec.json.decode((VENDOR / "published.json").read_bytes())
    return [
        (VENDOR / package / name, file["sha256"])
        for package, said in packages.items()
        for name, file in said["files"].items()
    ]


def test_files_of_others_are_as_they_were_published() -> None:
    for path, sha256 in published():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256, path
    there = {path for path in VENDOR.rglob("*") if path.is_file() and path.name != "published.json"}
    assert there == {path for path, _ in published()}
    assert {path.name for path in there} >= {ECHARTS, "LICENSE", "NOTICE"}


def test_every_text_is_there_in_both_languages() -> None:
    text = (OWN / "words.js").read_text()
    english, hindi = (
        dict(re.findall(r'^  (\w+): "(.*)",$', part, re.MULTILINE)) for part in text.split("const hi = ", 1)
    )
    assert len(english) > 100
    assert english.keys() == hindi.keys()
    values = re.compile(r"\{\w+\}")
    for name, words in english.items():
        assert sorted(values.findall(words)) == sorted(values.findall(hindi[name])), name
        # A pattern alone, such as `{title}, {by}`, is no text.
        assert words != hindi[name] or not re.search(r"\w", values.sub("", words)), name


async def test_the_page_and_all_that_it_loads_is_of_this_origin(http: httpx.AsyncClient) -> None:
    page = await http.get(PLACE, params={"view": "classes", "lang": "hi", "utm_source": "mail"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    names = [name for name in LOADED.findall(page.text) if not name.startswith("data:")]
    assert f"{PLACE}/{ECHARTS}" in names
    seen: set[str] = set()
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        assert name.startswith(f"{PLACE}/")
        file = await http.get(name)
        assert file.status_code == 200, name
        assert file.headers["content-type"].startswith(("text/javascript", "text/css"))
        if ECHARTS not in name:
            names += IMPORT.findall(file.text)
    # What no page loads is no file of ours.
    assert {Path(name).name for name in seen} == {path.name for path in OWN.iterdir()} - {"index.html"} | {ECHARTS}


async def test_nothing_runs_but_files_of_this_origin(http: httpx.AsyncClient) -> None:
    page = await http.get(PLACE)
    rules = dict(rule.strip().split(" ", 1) for rule in page.headers["content-security-policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    for inline in ("<style", " style=", " onclick=", "<script>"):
        assert inline not in page.text


@pytest.mark.parametrize(
    ("name", "kept"), [("", "public, no-cache"), ("/page.js", "public, no-cache"), (f"/{ECHARTS}", "immutable")]
)
async def test_a_browser_keeps_files(http: httpx.AsyncClient, name: str, kept: str) -> None:
    first = await http.get(f"{PLACE}{name}", headers={"Accept-Encoding": "gzip"})
    assert kept in first.headers["cache-control"]
    assert first.headers["content-encoding"] == "gzip"
    again = await http.get(f"{PLACE}{name}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["index.html", "published.json", "LICENSE", "..%2fsite.py", "nothing.js"])
async def test_other_files_are_not_there(http: httpx.AsyncClient, name: str) -> None:
    answer = await http.get(f"{PLACE}/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_no_limit_counts_for_files(gateway: MakeGateway) -> None:
    """A class behind one address opens them at once."""
    async with gateway(address_burst=2, address_rate=0.001) as running, httpx.AsyncClient(base_url=running.url) as http:
        for _ in range(6):
            assert (await http.get(PLACE)).status_code == 200
