"""The first conversation, as the command that a newcomer types."""

import asyncio
import json
import os
import sys

YURT = ("-c", "import sys; from yurt.cli.main import main; sys.exit(main())")


async def test_headless_demo() -> None:
    """One command starts two nodes and two people, and each reads what the other wrote."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *YURT,
        "demo",
        "--headless",
        "--json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("YURT_")},
    )
    out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    steps = [json.loads(line) for line in out.splitlines()]
    assert steps[-1]["ok"] is True
    read = [step["text"] for step in steps if "text" in step]
    assert len(read) == 4
    assert len(set(read)) == 4
    assert {step["outbox"] for step in steps if "outbox" in step} == {"queued"}
    times = [step["at_s"] for step in steps]
    assert times == sorted(times)
