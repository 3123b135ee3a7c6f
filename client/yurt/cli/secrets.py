"""Passphrases and phrases: asked for in a terminal, or read from and written to private files.

Without a terminal nothing is ever asked: the passphrase comes from the file that ``YURT_PASSPHRASE_FILE``
names, the recovery phrase goes to ``--phrase-file``.
"""

import os
import sys
from pathlib import Path
from typing import Final

from yurt.client.errors import UsageError

PASSPHRASE_FILE: Final = "YURT_PASSPHRASE_FILE"  # noqa: S105  # the name of a variable, no secret
MIN_PASSPHRASE: Final = 8
"""Characters of a new passphrase."""


def has_terminal() -> bool:
    """Tell whether a person can be asked something."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def passphrase() -> str:
    """Get the passphrase that opens the vault.

    Raises:
        UsageError: There is no file for it and nobody to ask.
    """
    return from_file() or _ask("Passphrase: ")


def new_passphrase(prompt: str = "New passphrase for this device: ") -> str:
    """Get a new passphrase; a person types it twice.

    Raises:
        UsageError: Too short, mistyped, or nobody to ask.
    """
    chosen = from_file()
    if chosen is None:
        chosen = _ask(prompt)
        if _ask("The same again: ") != chosen:
            raise UsageError("the two passphrases differ: start again")
    if len(chosen) < MIN_PASSPHRASE:
        raise UsageError(f"choose a passphrase of at least {MIN_PASSPHRASE} characters")
    return chosen


def write_phrase(path: Path, words: tuple[str, ...]) -> None:
    """Write a recovery phrase to a new private file.

    Raises:
        UsageError: The file exists, or cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} exists already: name a new file for the phrase") from None
    except OSError as error:
        raise UsageError(f"the phrase cannot be written to {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(" ".join(words) + "\n")
        file.flush()
        os.fsync(descriptor)


def read_phrase(path: Path | None) -> str:
    """Get the 24 words of the recovery phrase, from a file or from a person; nothing checks them yet.

    Raises:
        UsageError: The file cannot be read, or there is none and nobody to ask.
    """
    if path is None:
        if not has_terminal():
            raise UsageError("no terminal to ask for the recovery phrase in: name a file with --phrase-file")
        return _ask("Recovery phrase (24 words): ")
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the phrase cannot be read from {path}: {error}") from None


def from_file() -> str | None:
    """Read the passphrase from the file that the environment names; None if it names none.

    Raises:
        UsageError: It cannot be read.
    """
    name = os.environ.get(PASSPHRASE_FILE)
    if not name:
        return None
    try:
        lines = Path(name).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{PASSPHRASE_FILE} names a file that cannot be read: {error}") from None
    if not lines or not lines[0]:
        raise UsageError(f"{PASSPHRASE_FILE} names a file whose first line is empty")
    return lines[0]


def _ask(prompt: str) -> str:
    if not has_terminal():
        raise UsageError(
            f"no terminal to ask in: put the passphrase into a file, name it in {PASSPHRASE_FILE}"
        )
    from getpass import getpass

    return getpass(prompt)
