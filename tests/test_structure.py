"""The house keeps its order: rooms, sizes, lists that are kept by hand, who imports whom."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter import configuration
from importlinter.application.use_cases import lint_imports

import assay
from assay import pipeline
from assay.examine import EXAMINERS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "assay"
MODULES = sorted(SOURCE.rglob("*.py"))
ROOMS = sorted(path.parent for path in SOURCE.glob("*/__init__.py"))
EXAMINER_MODULES = sorted(path for path in (SOURCE / "examine").glob("*.py") if path.stem[0] != "_")

MODULE_LINES = 400
FUNCTION_LINES = 50
EVALUATE_LINES = 40

# Modules and functions above the bounds, with the reason why they are better whole.
LARGE_MODULES: dict[str, str] = {}
LARGE_FUNCTIONS: dict[str, str] = {}

# Where an examiner is tested, if not in `test_<name>.py`.
TESTED_IN = {
    "keys": "test_secrets.py",
    "credentials": "test_secrets.py",
}


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _assigns_examiner(path: Path) -> bool:
    return any(
        isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXAMINER"
        for node in parsed(path).body
    )


def test_every_examiner_stands_in_the_literal_tuple_once() -> None:
    (listed,) = [
        node.value
        for node in parsed(SOURCE / "examine" / "__init__.py").body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "EXAMINERS"
    ]
    assert isinstance(listed, ast.Tuple)
    names = [ast.unparse(element) for element in listed.elts]
    found = [f"{path.stem}.EXAMINER" for path in EXAMINER_MODULES if _assigns_examiner(path)]
    assert sorted(names) == sorted(found)
    assert len(found) >= 9


def test_examiners_are_named_as_their_modules() -> None:
    functions = {one.name: getattr(one.examine, "func", one.examine) for one in EXAMINERS}
    names = {name: str(one.__module__).rpartition(".")[2] for name, one in functions.items()}
    assert len(names) == len(EXAMINERS)
    assert all(name == module for name, module in names.items())


@pytest.mark.parametrize("name", [one.name for one in EXAMINERS])
def test_every_examiner_has_a_test_module_that_runs_it(name: str) -> None:
    tests = ROOT / "tests" / TESTED_IN.get(name, f"test_{name}.py")
    assert tests.exists(), f"{name} has no {tests.name}"
    imported = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(parsed(tests))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    wanted = (f"assay.examine.{name}", f"assay.examine.{name}.EXAMINER", "assay.examine.EXAMINERS")
    assert imported & set(wanted), f"{tests.name} does not import {name}"


@pytest.mark.parametrize("name", [one.name for one in EXAMINERS])
def test_every_examiner_says_how_far_it_can_be_believed(name: str) -> None:
    said = importlib.import_module(f"assay.examine.{name}").__doc__ or ""
    for words in ("How it works", "Known false positives", "Known false negatives", "Source"):
        assert words in said


@pytest.mark.parametrize("room", ROOMS, ids=name_of)
def test_every_room_says_what_it_takes_gives_and_must_not_know(room: Path) -> None:
    said = ast.get_docstring(parsed(room / "__init__.py")) or ""
    for words in ("Takes:", "Gives:", "Must not know:"):
        assert words in said


def test_the_rooms_are_those_of_the_design() -> None:
    assert {name_of(room) for room in ROOMS} <= set(
        """
        model intake examine knowledge expression assess compare oversight exposure ledger
        exchange report runner store cli web
        """.split()
    )
    forbidden = {"utils", "util", "helpers", "helper", "common", "misc", "settings_all"}
    assert not {path.stem for path in MODULES} & forbidden


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_keep_their_size(path: Path) -> None:
    if name_of(path) not in LARGE_MODULES:
        assert len(path.read_text("utf-8").splitlines()) <= MODULE_LINES
    for where, lines in _functions(path):
        if where not in LARGE_FUNCTIONS:
            assert lines <= FUNCTION_LINES, where


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{name_of(path)}:{node.name}", node.end_lineno - node.lineno + 1


def test_exceptions_are_still_needed() -> None:
    lines = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert all(lines[name] > MODULE_LINES and why for name, why in LARGE_MODULES.items())
    functions = {where: count for path in MODULES for where, count in _functions(path)}
    assert all(functions[name] > FUNCTION_LINES and why for name, why in LARGE_FUNCTIONS.items())


def test_the_story_is_one_short_function() -> None:
    lengths = dict(_functions(SOURCE / "pipeline.py"))
    assert lengths[f"pipeline.py:{pipeline.evaluate.__name__}"] <= EVALUATE_LINES


def test_exports_are_there_public_and_sorted() -> None:
    for found in pkgutil.walk_packages(assay.__path__, "assay."):
        if found.name.startswith("assay.store.migrations."):
            continue  # only ever run by Alembic
        module = importlib.import_module(found.name)
        exported = getattr(module, "__all__", [])
        assert len(set(exported)) == len(exported), found.name
        declared = set(vars(module)) | _only_typed(Path(str(module.__file__)))
        assert set(exported) <= declared, found.name
        assert not [name for name in exported if name.startswith("_")], found.name


def _only_typed(path: Path) -> set[str]:
    """Names that a module imports for the type checker alone."""
    return {
        alias.asname or alias.name
        for node in parsed(path).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in node.body
        if isinstance(inner, ast.ImportFrom)
        for alias in inner.names
    }


def test_rooms_import_as_the_design_says() -> None:
    assert _contracts_hold(ROOT / "pyproject.toml")


def test_the_check_of_imports_can_say_no(tmp_path: Path) -> None:
    config = tmp_path / "contracts.toml"
    config.write_text(
        '[tool.importlinter]\nroot_package = "assay"\n'
        '[[tool.importlinter.contracts]]\nname = "no"\ntype = "forbidden"\n'
        'source_modules = ["assay.pipeline"]\nforbidden_modules = ["assay.model"]\n'
    )
    assert not _contracts_hold(config)


def _contracts_hold(config: Path) -> bool:
    configuration.configure()
    return lint_imports(config_filenames=(str(config),), cache_dir=None, no_logo=True)
