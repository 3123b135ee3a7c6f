"""What an operator copies is true: example settings, unit, container, the page of the first day."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import msgspec
import pytest

from yurt.node.config import NodeConfig, check

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
SETTING = re.compile(r"^(# )?([a-z][a-z0-9_]*) = (.+)$")
MAX_EXPOSURE = 1.5
YURT_CALLS = re.compile(r"\byurt node ([a-z]+)")


def example() -> list[tuple[bool, str, str]]:
    """Each setting of the example: whether it is commented out, its name, its value."""
    lines = (DEPLOY / "node.toml.example").read_text(encoding="utf-8").splitlines()
    found = [match for line in lines if (match := SETTING.match(line))]
    return [(bool(match[1]), match[2], match[3]) for match in found]


def test_the_example_explains_every_setting_with_its_true_default() -> None:
    """None is missing, none is made up, none stands twice; what is commented out is what holds anyway."""
    defaults = NodeConfig("chat.example.org")

    assert sorted(name for _, name, _ in example()) == sorted(NodeConfig.__struct_fields__)
    for hidden, name, value in example():
        if hidden:
            assert tomllib.loads(f"x = {value}")["x"] == getattr(defaults, name), name


def test_the_example_can_be_used_as_it_stands() -> None:
    """Copied to a node's folder, it is a configuration."""
    text = (DEPLOY / "node.toml.example").read_text(encoding="utf-8")

    config = check(msgspec.convert(tomllib.loads(text), NodeConfig))

    assert (config.domain, config.plain) == ("chat.example.org", True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_the_unit_exposes_little() -> None:
    """`systemd-analyze security` gives it 1.5 or less."""
    unit = str(DEPLOY / "yurt-node.service")
    ended = subprocess.run(  # noqa: S603  # a fixed command
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],  # noqa: S607  # where the system has it
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )
    level = re.search(r"exposure level for [^:]+: ([0-9.]+)", ended.stdout)

    assert level is not None, ended.stderr
    assert float(level[1]) <= MAX_EXPOSURE


def test_the_container_is_what_the_house_is_built_with() -> None:
    """The same uv as the Makefile's, the lock file as it stands, no root, and paths that fit together."""
    containerfile = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    start = (DEPLOY / "start-in-container.sh").read_text(encoding="utf-8")
    caddyfile = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    version = re.search(
        r"^UV_VERSION := (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert version is not None
    assert f"uv=={version[1]}" in containerfile
    assert "uv sync --frozen --no-dev" in containerfile
    assert "USER 10001:10001" in containerfile
    assert compose.count("read_only: true") == compose.count("cap_drop: [ALL]") == 2
    assert all("/run/yurt/node.sock" in text for text in (containerfile, start, caddyfile))
    assert os.access(DEPLOY / "start-in-container.sh", os.X_OK)


@pytest.mark.parametrize("page", ["docs/first-day.md", "README.md", "deploy/compose.yaml"])
def test_operators_pages_name_commands_that_there_are(page: str) -> None:
    """Every `yurt node ACTION` on them is one."""
    from yurt.cli.commands.node import ACTIONS

    named = set(YURT_CALLS.findall((ROOT / page).read_text(encoding="utf-8")))

    assert named
    assert named <= set(ACTIONS)


def test_every_link_of_the_first_day_leads_somewhere() -> None:
    """Files that it points to are there."""
    text = (ROOT / "docs" / "first-day.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", text)

    assert targets
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []
