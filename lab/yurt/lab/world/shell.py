"""A person at a shell: every command is a process of its own, as on a person's machine."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from yurt.lab.world.people import PASSPHRASE

_YURT: Final = ("-c", "import sys; from yurt.cli.main import main; sys.exit(main())")


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command came to."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Shell:
    """One vault and the environment in which its commands run."""

    home: Path
    map_file: Path
    passphrase_file: Path

    @classmethod
    def of(cls, home: Path, map_file: Path, passphrase: str = PASSPHRASE) -> Self:
        """Sit down where a vault lies or will lie."""
        passphrase_file = home.parent / f"{home.name}.passphrase"
        passphrase_file.parent.mkdir(parents=True, exist_ok=True)
        passphrase_file.write_text(passphrase + "\n", encoding="utf-8")
        passphrase_file.chmod(0o600)
        return cls(home, map_file, passphrase_file)

    @property
    def variables(self) -> dict[str, str]:
        """What the environment of a command says about this person."""
        return {
            "YURT_HOME": str(self.home),
            "YURT_NETWORK": str(self.map_file),
            "YURT_PASSPHRASE_FILE": str(self.passphrase_file),
        }

    async def yurt(self, *arguments: str) -> Ended:
        """Run one command to its end."""
        process = await self.begin(*arguments)
        out, err = await process.communicate()
        return Ended(process.returncode or 0, out.decode(), err.decode())

    async def begin(self, *arguments: str) -> asyncio.subprocess.Process:
        """Begin a command that goes on, such as ``tail``; the caller ends it."""
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *_YURT,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            env=os.environ | self.variables,
        )
