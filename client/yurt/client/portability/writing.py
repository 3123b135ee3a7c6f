"""New files of this person: private, whole or not there at all, and never over another one."""

import os
from collections.abc import Iterable
from pathlib import Path

from yurt.wire.problems import refuse
from yurt.wire.sanitise import clean_line


def check_new(path: Path) -> None:
    """Refuse a name that is taken.

    Raises:
        ProblemError: `refused`.
    """
    if path.exists():
        raise refuse("refused", f"{clean_line(str(path))} exists already: name a new file", rule="fileExists")


def write_new(path: Path, pieces: Iterable[bytes], *, replace: bool = False) -> int:
    """Write a file that only its owner may read; returns its size in bytes.

    Args:
        path: Where to.
        pieces: What.
        replace: Whether a file of that name may go.

    Raises:
        ProblemError: `refused`: it is there already, or cannot be written.
    """
    if not replace:
        check_new(path)
    partial = path.with_name(path.name + ".partial")
    try:
        descriptor = os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            size = sum(file.write(piece) for piece in pieces)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise refuse(
            "refused", f"{clean_line(str(path))} cannot be written: {error.strerror}", rule="fileUnwritable"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
    return size
