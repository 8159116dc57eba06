"""Modules from folders that nobody installed: each folder of `KSMP_MODULE_PATHS` counts as an installed package."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, DistributionFinder
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from gateway.settings import SettingsError, variable

GROUP: Final = "ksmp.modules"
VARIABLE: Final = variable("module_paths")
# A module's package of such a name would replace what the gateway itself imports.
RESERVED: Final = sys.stdlib_module_names | {__name__.partition(".")[0]}


def use(paths: Iterable[str]) -> None:
    """Add the folders to what is installed in this process.

    A folder has a `pyproject.toml` with an entry point in the group `ksmp.modules`, or holds packages with a
    `module.py`, or is such a package. The package of a module wins over an installed one of its name. All else beside
    it is looked at last, so that a stray `email.py` replaces nothing. Doing it again replaces the folders of before.
    Raises SettingsError, also for a package that is called like one of Python's own or like the gateway.
    """
    found = [folder for path in paths for folder in folders(Path(path).absolute())]
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, FolderFinder)]
    if found:
        sys.meta_path.insert(0, FolderFinder(found))
    for folder in found:
        if str(folder.root) not in sys.path:
            sys.path.append(str(folder.root))


def use_those_of(environ: Mapping[str, str], *more: str) -> None:
    """Add the folders that an environment names, and `more`. Nothing else of it matters. Raises SettingsError."""
    use([*more, *(path for part in environ.get(VARIABLE, "").split(",") if (path := part.strip()))])


@dataclass(frozen=True, kw_only=True)
class ModuleFolder:
    """A package that is not installed: `root` must be on `sys.path`, `entries` are its entry points by group."""

    root: Path
    name: str
    version: str = "0"
    entries: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def packages(self) -> set[str]:
        """The packages, or single files, that the modules are in."""
        return {value.partition(":")[0].partition(".")[0].strip() for value in self.entries[GROUP].values()}


def folders(path: Path) -> list[ModuleFolder]:
    """The modules that a folder holds. Raises SettingsError when there is none, or when its package may not be."""
    found = _folders(path)
    for folder in found:
        for name in sorted(folder.packages & RESERVED):
            raise SettingsError(f"{path} holds a module in a package called {name}, which is taken; rename it.")
    return found


def _folders(path: Path) -> list[ModuleFolder]:
    if not path.is_dir():
        raise SettingsError(f"{VARIABLE} names {path}, which is no folder.")
    if (path / "pyproject.toml").exists():
        return [_project(path)]
    packages = [path] if _is_package(path) else sorted(inside for inside in path.iterdir() if _is_package(inside))
    if not packages:
        raise SettingsError(
            f"{path} holds no module: it needs a pyproject.toml with an entry point in the group {GROUP}, "
            "or a package with a module.py."
        )
    return [_package(package) for package in packages]


def _is_package(path: Path) -> bool:
    return (path / "__init__.py").exists() and (path / "module.py").exists()


def _project(path: Path) -> ModuleFolder:
    try:
        project: dict[str, Any] = tomllib.loads((path / "pyproject.toml").read_text()).get("project", {})
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path / 'pyproject.toml'} cannot be read: {error}.") from None
    entries: dict[str, dict[str, str]] = project.get("entry-points", {})
    if not entries.get(GROUP):
        raise SettingsError(f"{path / 'pyproject.toml'} has no entry point in the group {GROUP}; add one.")
    root = path / "src" if (path / "src").is_dir() else path
    return ModuleFolder(
        root=root, name=project.get("name", path.name), version=project.get("version", "0"), entries=entries
    )


def _package(path: Path) -> ModuleFolder:
    """The module of a package without a pyproject.toml: the class in `module.py` that has a `name`."""
    try:
        tree = ast.parse((path / "module.py").read_text(), "module.py")
    except (OSError, SyntaxError) as error:
        raise SettingsError(f"{path / 'module.py'} cannot be read: {error}.") from None
    classes = {name: node.name for node in tree.body if isinstance(node, ast.ClassDef) for name in _names(node)}
    if len(classes) != 1:
        raise SettingsError(
            f'{path / "module.py"} must hold one class of Module with its name in quotes, such as name = "quizzes"; '
            f"found {len(classes)}."
        )
    entries = {name: f"{path.name}.module:{class_name}" for name, class_name in classes.items()}
    return ModuleFolder(root=path.parent, name=path.name, entries={GROUP: entries})


def _names(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        match line:
            case ast.Assign(targets=[ast.Name(id="name")], value=ast.Constant(value=str(name))):
                yield name
            case ast.AnnAssign(target=ast.Name(id="name"), value=ast.Constant(value=str(name))):
                yield name


class FolderDistribution(Distribution):
    """What `importlib.metadata` is told of a folder."""

    def __init__(self, folder: ModuleFolder) -> None:
        self._folder = folder

    def read_text(self, filename: str) -> str | None:
        match filename:
            case "METADATA":
                return f"Metadata-Version: 2.1\nName: {self._folder.name}\nVersion: {self._folder.version}\n"
            case "entry_points.txt":
                groups = self._folder.entries.items()
                return "\n".join(line for group, points in groups for line in (f"[{group}]", *_lines(points)))
            case _:
                return None

    def locate_file(self, path: str | PathLike[str]) -> Path:
        return self._folder.root / path


def _lines(points: dict[str, str]) -> list[str]:
    return [f"{name} = {value}" for name, value in points.items()]


class FolderFinder(DistributionFinder):
    """Answers `importlib.metadata` for the folders, and imports the packages of their modules."""

    def __init__(self, found: Iterable[ModuleFolder]) -> None:
        folders = list(found)
        self._distributions = [FolderDistribution(folder) for folder in folders]
        self._roots = {name: str(folder.root) for folder in reversed(folders) for name in folder.packages}

    def find_spec(self, fullname: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        root = self._roots.get(fullname)
        found = None if root is None else PathFinder.find_spec(fullname, [root])
        # A namespace has parts in several places, which Python collects from its whole path.
        return found if found is not None and found.loader is not None else None

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterator[Distribution]:
        wanted = context.name if context is not None else None
        return (one for one in self._distributions if wanted is None or one.name == wanted)
