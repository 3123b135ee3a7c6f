"""Whoever mistypes something learns in one line what was wrong and what may have been meant."""

import json
import subprocess

import pytest

from yurt.cli.main import COMMANDS, main


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("folow", "did you mean follow"),
        ("invit", "did you mean invite"),
        ("unfollow bo@hilltop.example", "say `yurt follow ... --undo`"),
        ("unbann", "did you mean unban"),
        ("device vanish", "it knows link, join, revoke, restore"),
        ("node doktor", "did you mean doctor?"),
        ("room make tea", "yurt room knows no 'make'"),
        ("tail --count many", "--count takes a whole number, not 'many'"),
        ("list add", "required: NAME, ADDRESS (`yurt list add --help` tells more)"),
        ("send --loud", "(`yurt send --help` tells more)"),
        ("xyzzy", "yurt knows no 'xyzzy': is it spelled right? (`yurt --help` tells more)"),
    ],
)
def test_a_mistake_is_one_line(typed: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No list of forty commands: one line, on standard error, with the code for usage."""
    code = main(typed.split())

    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert told in err


@pytest.mark.parametrize(
    "typed", ["folow --json", "--json", "device --json", "node status --json --data /nowhere"]
)
def test_a_script_gets_json_whatever_is_wrong(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where --json was said, wherever it stands, an error is one JSON object."""
    code = main(typed.split())

    assert code == 2
    assert set(json.loads(capsys.readouterr().err)) == {"error", "message"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_learns_every_word(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The script for a shell has the commands, their actions and their options, and bash can read its own."""
    assert main(["completion", shell]) == 0

    script = capsys.readouterr().out
    assert all(word in script for word in (*COMMANDS, "revoke", "overwrite-blocks"))
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)  # noqa: S607  # whichever is there
