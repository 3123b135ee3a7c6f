"""Names inside archives: relative, plain, and never a way out of a folder.

The rules are narrower than any file system's, so that a name means the same everywhere and shows
nothing else than it is: ASCII letters, digits, ``_ . -``, no part that begins or ends with a dot.
"""

import re
from collections.abc import Iterable
from typing import Final

from yurt.portability.errors import ArchiveError
from yurt.wire.sanitise import clean_line

MAX_PATH: Final = 100
"""Characters; what one field of a tar's header holds."""
MAX_FOLDERS: Final = 6
_PART: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?"
_PATH: Final = re.compile(rf"{_PART}(?:/{_PART}){{0,{MAX_FOLDERS}}}")
_SHOWN: Final = 60


def check_path(path: str) -> str:
    """Take a name that came from outside.

    Raises:
        ArchiveError: ``archivePath``.
    """
    if len(path) > MAX_PATH or not _PATH.fullmatch(path):
        raise ArchiveError("archivePath", "a name that leads elsewhere or is not plain", path=shown(path))
    return path


def check_paths(paths: Iterable[str]) -> None:
    """Take all names of an archive: no two may be one on any file system.

    Raises:
        ArchiveError: ``archivePath`` or ``archiveDouble``.
    """
    seen: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        folded = check_path(path).lower()
        if folded in seen:
            raise ArchiveError("archiveDouble", "named twice", path=path)
        seen.add(folded)
        folders.update(folded[:at] for at, character in enumerate(folded) if character == "/")
    if both := seen & folders:
        raise ArchiveError("archiveDouble", "a file and a folder at once", path=min(both))


def shown(path: str) -> str:
    """Make a hostile name safe to show."""
    return clean_line(path[:_SHOWN])
