"""Writing a message in the person's own editor.

The text has to lie in a file meanwhile: 0600, in memory where the system has such a place, and gone when the
editor ends. What the editor itself keeps beside it is the editor's.
"""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path


class EditorFailed(Exception):
    """The editor could not be run; the message says why."""


def edit(text: str, environ: Mapping[str, str]) -> str:
    """Let the person edit a text; blocks until the editor ends.

    Args:
        text: What to begin with.
        environ: Names the editor, and the folder that is in memory only.

    Raises:
        EditorFailed: There is no such editor, or it ended with an error.
    """
    command = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "vi")
    descriptor, name = tempfile.mkstemp(suffix=".txt", prefix="yurt-", dir=environ.get("XDG_RUNTIME_DIR"))
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run([*command, name], check=True)  # noqa: S603  # the person's own choice
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\n")
    except (OSError, subprocess.CalledProcessError) as error:
        raise EditorFailed(f"the editor {command[0]!r} did not work: {error}") from None
    finally:
        path.unlink(missing_ok=True)
