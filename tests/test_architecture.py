"""Rules of the house that a machine can check."""

import ast
import re
from pathlib import Path

import pytest

PACKAGES = ("physics", "envs", "curriculum", "learners", "cluster", "launch")
FILES = sorted(path for package in PACKAGES for path in Path(package).rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "tools"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def test_there_are_files_to_check():
    assert len(FILES) > 50


@pytest.mark.parametrize("path", FILES, ids=str)
def test_file_is_short_and_says_what_it_is(path):
    assert len(path.read_text().splitlines()) <= 400
    assert ast.get_docstring(_tree(path)), "a module opens with what it is"
    assert path.stem not in FORBIDDEN_NAMES


@pytest.mark.parametrize("path", FILES, ids=str)
def test_functions_are_short_documented_and_typed(path):
    for node in ast.walk(_tree(path)):
        if not isinstance(node, FUNCTIONS):
            continue
        where = f"{path}:{node.lineno} {node.name}"
        assert node.end_lineno - node.lineno < 60, f"{where} is too long"
        assert node.returns is not None or node.name == "__init__", f"{where} does not say what it returns"
    for node in [*_public(_tree(path))]:
        assert ast.get_docstring(node), f"{path}:{node.lineno} {node.name} has no docstring"


def _public(tree: ast.Module):
    for node in tree.body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (n for n in node.body if isinstance(n, FUNCTIONS) and not n.name.startswith("_"))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_only_launch_prints(path):
    if path.parts[0] == "launch" or path.parts[:3] == ("envs", "levels", "design"):
        return
    calls = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
    assert not [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


def test_no_array_is_made_when_a_module_is_imported():
    """It would start JAX before `physics.devices` can say how many devices there are."""
    for path in FILES:
        for node in _tree(path).body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value:
                text = ast.unparse(node.value)
                assert not re.match(r"jnp\.(array|zeros|ones|arange|eye|full|asarray)\(", text), f"{path}:{node.lineno}"


def test_commands_of_the_readme_exist():
    readme = Path("README.md").read_text()
    commands = set(re.findall(r"python -m (launch\.\w+)", readme))
    scripts = set(re.findall(r"\./(launch/\w+\.sh)", readme))
    assert {"launch.train", "launch.evaluate", "launch.play"} <= commands
    assert {"launch/quickstart.sh", "launch/test.sh"} <= scripts
    for command in commands:
        place = Path(command.replace(".", "/"))
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), command
    for script in scripts:
        assert Path(script).is_file(), script


def test_files_that_the_readme_names_exist():
    readme = Path("README.md").read_text()
    for target in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", readme):
        name = next(filter(None, target))
        if "://" not in name:
            assert Path(name).exists(), name
