"""``yurt completion SHELL``: a script by which a shell completes what is typed after ``yurt``.

Made anew from the command line itself (shtab), so it knows every word that there is and runs nothing later.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from yurt.cli.output import Output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument(
        "shell",
        choices=("bash", "zsh", "fish"),
        help="into a file that it reads: for bash ~/.local/share/bash-completion/completions/yurt, for fish "
        "~/.config/fish/completions/yurt.fish, for zsh _yurt in a folder of $fpath",
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Print the script."""
    import shtab

    from yurt.cli.main import whole_parser

    parser = whole_parser()
    _prepare(parser, shtab.FILE)
    script = shtab.complete(parser, args.shell)
    if output.as_json:
        output.show({"shell": args.shell, "script": script}, "")
    else:
        sys.stdout.write(script)
    return 0


def _prepare(parser: argparse.ArgumentParser, files: Mapping[str, object]) -> None:
    """Mark every argument that is a path, and show the words that our own help lists in its own way."""
    for action in parser._actions:  # noqa: SLF001  # argparse shows its arguments nowhere else
        nested: object = action.choices
        if isinstance(nested, Mapping):
            action.help = ""
            for each in cast("Mapping[str, argparse.ArgumentParser]", nested).values():
                _prepare(each, files)
        elif action.type is Path:
            vars(action)["complete"] = files  # where shtab looks; argparse knows no such thing
