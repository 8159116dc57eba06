"""Names in an archive are safe wherever it is unpacked, and say what a person wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.assignments.exports.file_names import MOST_BYTES, MOST_LETTERS, UniqueNames, safe_name, split

RESERVED = ["CON", "con.txt", "Aux", "nul.tar.gz", "COM1.pdf", "lpt9", "COM¹.txt", "conin$"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("essay.pdf", "essay.pdf"),
        ("निबंध – अंतिम.docx", "निबंध – अंतिम.docx"),
        ("../../etc/passwd", "_.._.._etc_passwd"),
        ("..", "file"),
        ("...", "file"),
        ("/", "file"),
        ("", "file"),
        ("\u202efdp.exe", "fdp.exe"),
        ("C:\\Windows\\x.dll", "C__Windows_x.dll"),
        (".htaccess", "_.htaccess"),
        ("-rf", "_-rf"),
        ("notes.txt. . ", "notes.txt"),
        ("a\nb\x00c.txt", "abc.txt"),
        ("  two   blanks ", "two blanks"),
        ('a<b>c"d|e?f*g', "a_b_c_d_e_f_g"),
        ("PRN .txt", "_PRN.txt"),
        ("cafe\u0301.pdf", "café.pdf"),
    ],
)
def test_what_becomes_of_a_name(text: str, name: str) -> None:
    assert safe_name(text, "file") == name


@pytest.mark.parametrize("text", RESERVED)
def test_no_name_is_a_device_of_windows(text: str) -> None:
    assert safe_name(text, "file") == f"_{text}"


@pytest.mark.parametrize("text", ["console.txt", "com10", "nullable.py", "auxiliary"])
def test_what_only_begins_like_a_device_stays(text: str) -> None:
    assert safe_name(text, "file") == text


def test_a_long_name_keeps_its_suffix_and_whole_letters() -> None:
    assert safe_name("x" * 300 + ".pdf", "file") == "x" * (MOST_LETTERS - 4) + ".pdf"
    letter = "कि"
    name = safe_name(letter * 200 + ".jpeg", "file")
    assert name.endswith(".jpeg")
    assert set(name.removesuffix(".jpeg")) == set(letter)
    assert len(name.removesuffix(".jpeg")) % 2 == 0


@given(st.text(max_size=300))
def test_every_name_is_one_step_of_a_path(text: str) -> None:
    name = safe_name(text, "file")
    assert name
    assert name not in {".", ".."}
    assert not set(name) & set('<>:"/\\|?*\x00\n\r\t')
    assert not name.endswith((".", " "))
    assert not name.startswith((".", "-", " "))
    assert len(name) <= MOST_LETTERS + 1
    assert len(name.encode()) <= MOST_BYTES + 1
    assert safe_name(name, "file").lstrip("_") == name.lstrip("_")


@given(st.lists(st.sampled_from(["a.txt", "A.TXT", "a (2).txt", "é", "e\u0301", "É", "ß", "ss", "a"]), max_size=12))
def test_no_two_names_are_one(wanted: list[str]) -> None:
    names = UniqueNames()
    given_out = [names.take(one) for one in wanted]
    assert len({one.casefold() for one in given_out}) == len(wanted)


def test_a_number_stands_before_the_suffix() -> None:
    names = UniqueNames()
    assert [names.take("Asha Rao.pdf") for _ in range(3)] == ["Asha Rao.pdf", "Asha Rao (2).pdf", "Asha Rao (3).pdf"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [("a.pdf", ("a", ".pdf")), ("a", ("a", "")), (".pdf", (".pdf", "")), ("v1. final", ("v1. final", ""))],
)
def test_what_is_a_suffix(name: str, parts: tuple[str, str]) -> None:
    assert split(name) == parts
