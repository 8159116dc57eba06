"""What is wrong with a module's tables and migrations is said in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from piccolo.columns import Text
from piccolo.table import Table

from gateway import registry
from gateway.contract import Module
from gateway.db.module_tables import table_faults
from gateway.registry import RegistryError


class Note(Table, tablename="board_note"):
    text = Text()


class Foreign(Table, tablename="chat_note"):
    text = Text()


def module(migrations: Path | None, *tables: type[Table]) -> type[Module]:
    return type("Boards", (Module,), {"name": "boards", "migrations": migrations, "tables": tables})


def test_every_installed_module_is_well() -> None:
    for one in registry.load():
        assert list(table_faults(one)) == []


def test_a_module_that_is_well(tmp_path: Path) -> None:
    (tmp_path / "0001_notes.sql").write_text('create unlogged table if not exists\n "board_old" (text text);')
    (tmp_path / "0002_renamed.sql").write_text("ALTER TABLE board_old RENAME TO board_note; CREATE TABLE boards ()")
    (tmp_path / "__init__.py").touch()
    (tmp_path / ".hidden").touch()
    assert list(table_faults(module(tmp_path, Note))) == []
    assert list(table_faults(module(None))) == []


@pytest.mark.parametrize("name", ["0001-notes.sql", "notes.sql", "0001_notes.SQL", "0001_notes.txt", "README.md"])
def test_a_file_that_is_no_migration(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert list(table_faults(module(tmp_path))) == [
        f"{tmp_path / name} is not a migration; call it NNNN_what.sql, or move it elsewhere"
    ]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "migration"
    assert list(table_faults(module(folder, Note))) == [
        f"there is no folder {folder}; make it, or take `migrations` out"
    ]


def test_a_table_without_a_migration(tmp_path: Path) -> None:
    (tmp_path / "0001_notes.sql").write_text("-- CREATE TABLE board_note ()\n/* CREATE TABLE board_note () */")
    expected = ["no migration creates the table board_note of Note; write one"]
    assert list(table_faults(module(tmp_path, Note))) == expected
    assert list(table_faults(module(None, Note))) == expected


def test_a_table_with_the_name_of_another_module(tmp_path: Path) -> None:
    (tmp_path / "0001_notes.sql").write_text("CREATE TABLE chat_note (); CREATE TABLE boardwalk ()")
    assert list(table_faults(module(tmp_path, Foreign))) == [
        "the table boardwalk must begin with the module's name, such as boards_boardwalk",
        "the table chat_note must begin with the module's name, such as boards_chat_note",
    ]


def test_a_misspelt_table_is_told_its_prefix_first(tmp_path: Path) -> None:
    # The registry says the first sentence only, and no migration may create a table of that name.
    (tmp_path / "0001_notes.sql").write_text("CREATE TABLE board_note ()")
    assert next(table_faults(module(tmp_path, Foreign))).startswith("the table chat_note must begin with the module's")


def test_the_registry_refuses_it_by_name(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"^Module boards: no migration creates the table board_note of Note; "):
        registry.ordered([module(tmp_path, Note)])
