"""Documents that cannot lie: what they name exists, and what exists is named."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from yurt.cli import main as cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def shell_lines(text: str) -> list[str]:
    """The lines of all shell blocks, without comments."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [re.sub(r"\s+# .*", "", line).strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def dependencies() -> set[str]:
    """Names of everything that the project asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups: list[list[str]] = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    found = {re.match(r"[A-Za-z0-9-]+", one) for group in groups for one in group}
    return {match.group() for match in found if match}


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_is_written_down(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that nobody reads about does not exist; and each has help."""
    assert f"| `yurt {name}` | {cli.COMMANDS[name]} |" in COMMANDS

    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])

    assert ended.value.code == 0
    assert cli.COMMANDS[name].split(",")[0].lower() in capsys.readouterr().out.lower()


@pytest.mark.parametrize("line", [line for line in shell_lines(README) if line.startswith("yurt ")])
def test_commands_of_the_readme_can_be_typed(line: str) -> None:
    """Each command of the README is one that the command line understands."""
    words = shlex.split(line)[1:]

    assert cli._parser(words[0]).parse_args(words).command == words[0]  # pyright: ignore[reportPrivateUsage]  # to parse and not run


def test_make_targets_exist() -> None:
    """Each `make` of a document is a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))

    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()
    assert targets >= {"demo", "test", "check", "bench"}


def test_paths_exist() -> None:
    """Each file that CONTRIBUTING names is there."""
    roots = "federation|server|client|lab|tests|docs"
    named = set(re.findall(rf"\b(?:{roots})/[A-Za-z0-9_/.]*[a-z_]", CONTRIBUTING))

    assert {path for path in named if not (ROOT / path).exists()} == set()
    assert len(named) > 20


def test_links_lead_somewhere() -> None:
    """Each relative link of each page leads to a file."""
    links = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    ]

    assert [(page.name, target) for page, target in links if not (page.parent / target).exists()] == []


def test_every_dependency_has_its_reason() -> None:
    """What the project asks for stands in docs/dependencies.md, and each row there is something asked for."""
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| ([a-z][a-z0-9-]*)[ |(]", page, re.MULTILINE)) - {"dependency"}

    assert {name for name in dependencies() if name not in page} == set()
    assert rows - dependencies() == set()


def test_the_tree_is_short() -> None:
    """The tree of CONTRIBUTING stays a map: a dozen lines."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", CONTRIBUTING, re.DOTALL | re.MULTILINE)

    assert [len(text.splitlines()) for language, text in blocks if not language] == [12]
