"""The house as it must stand: one namespace, quiet packages, a light door."""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WINGS = ("federation", "server", "client", "lab")
MODULES = sorted(path for wing in WINGS for path in (ROOT / wing / "yurt").rglob("*.py"))
STORIES = sorted((ROOT / "tests").rglob("*.py"))
PACKAGES = sorted({path.parent for path in MODULES})
HEAVY = {"yurt.client", "yurt.node", "yurt.lab", "yurt.mls", "aiohttp", "msgspec", "cryptography", "asyncio"}


def test_namespace_has_no_init() -> None:
    """The four roots are portions of one namespace package (PEP 420)."""
    assert [wing for wing in WINGS if (ROOT / wing / "yurt" / "__init__.py").exists()] == []


def test_packages_are_typed_and_quiet() -> None:
    """Each portion says that it is typed (PEP 561); each `__init__` is a docstring and nothing else."""
    roots = {ROOT / wing / "yurt" for wing in WINGS}
    for package in set(PACKAGES) - roots:
        body = ast.parse((package / "__init__.py").read_text(encoding="utf-8")).body
        assert len(body) == 1, package
        assert isinstance(body[0], ast.Expr), package
        assert package.parent not in roots or (package / "py.typed").exists(), package


def test_modules_say_why_they_exist() -> None:
    """Each module opens with a docstring."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}

    assert [path for path, tree in trees.items() if ast.get_docstring(tree) is None] == []


def test_no_module_is_a_city() -> None:
    """No module has more than 600 lines."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (*MODULES, *STORIES)}

    assert {path.name: length for path, length in lengths.items() if length > 600} == {}


def test_no_story_is_in_a_hurry() -> None:
    """Whoever waits in a test has patience: on a busy machine a short time fails by chance."""
    short = re.compile(r"asyncio\.timeout\([0-5]?\d(\.\d+)?\)|wait_for\(.*, *\d+\)|unused_tcp_port")

    assert [str(path) for path in STORIES if path != Path(__file__) and short.search(path.read_text())] == []


def loaded_by(program: str) -> set[str]:
    """The modules that a fresh Python has loaded at the end of a program."""
    telling = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {program}"
    ended = subprocess.run([sys.executable, "-c", telling], capture_output=True, text=True, check=True)  # noqa: S603  # our own interpreter
    return set(ended.stderr.split())


def test_help_is_light() -> None:
    """`yurt --help` loads Python and argparse: none of the parts that it could lead to."""
    loaded = loaded_by("from yurt.cli.main import main; main(['--help'])")

    assert "yurt.cli.main" in loaded
    assert HEAVY & loaded == set()


def test_worlds_are_light() -> None:
    """The demo needs no server library and nothing of the benchmarks."""
    loaded = loaded_by("import yurt.lab.demo")

    unwanted = ("yurt.node", "yurt.lab.bench", "aiohttp", "uvloop")
    assert {name for name in loaded if name.startswith(unwanted)} == set()
