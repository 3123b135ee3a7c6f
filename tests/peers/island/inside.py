"""Inside the island: a network of its own, in which a stock server runs with its production defaults.

Addresses that look public stand on the loopback, names are in a private /etc/hosts, the certificate authority
of the test is among the system's, and nothing leads out. Two kinds of doors lead through sockets of the file
system: outside names go out by them, and the peer is reached by one. Run by `tests/peers/conftest.py`, with
the plan as its only argument; orders come as lines of JSON, answers go back so.
"""

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HTTPS = 443
SYSTEM_CAS = Path("/etc/ssl/certs/ca-certificates.crt")
"""Where OpenSSL and Go of a Debian look; others follow SSL_CERT_FILE, which is set as well."""


def do(*words: str) -> None:
    """Run a command that must work."""
    subprocess.run(words, check=True)  # noqa: S603  # what stands in this file


def furnish(plan: dict[str, Any]) -> None:
    """Give the network its addresses, names and authority."""
    folder = Path(plan["folder"])
    do("ip", "link", "set", "lo", "up")
    for address in plan["names"].values():
        do("ip", "address", "add", f"{address}/32", "dev", "lo")
    hosts = folder / "hosts"
    lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in plan["names"].items())]
    hosts.write_text("\n".join(lines) + "\n")
    do("mount", "--bind", str(hosts), "/etc/hosts")
    if SYSTEM_CAS.exists():
        trusted = folder / "trusted.pem"
        shutil.copyfile(plan["ca"], trusted)
        do("mount", "--bind", str(trusted), str(SYSTEM_CAS))


def door(lead: Callable[[], Awaitable[Streams]]) -> Callable[..., Awaitable[None]]:
    """Make a door: whoever comes is led on, both ways."""

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await lead()
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, back), carry(there, writer))

    return come


async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Carry bytes until one side ends."""
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    except OSError:
        pass
    finally:
        target.close()


async def open_doors(plan: dict[str, Any]) -> None:
    """Open what leads out, what leads in, and the peer's TLS."""
    for name, path in plan["outside"].items():
        out = partial(asyncio.open_unix_connection, path)
        await asyncio.start_server(door(out), plan["names"][name], HTTPS)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(plan["certificate"], plan["key"])
    here = plan["names"][plan["peer"]]
    plain = door(lambda: asyncio.open_connection("127.0.0.1", plan["port"]))
    await asyncio.start_server(plain, here, HTTPS, ssl=tls)
    await asyncio.start_unix_server(door(lambda: asyncio.open_connection(here, HTTPS)), plan["inside"])


async def obey(order: dict[str, Any]) -> dict[str, Any]:
    """Run a command to its end, or start one that goes on."""
    if "start" in order:
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        await asyncio.create_subprocess_exec(
            *order["start"], stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )
        os.close(log)
        return {}
    process = await asyncio.create_subprocess_exec(
        *order["run"],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate(order["text"].encode())
    return {"code": process.returncode, "out": out.decode(errors="replace")}


async def main(plan: dict[str, Any]) -> None:
    """Open, and obey until nobody gives orders any more: then everything here ends."""
    await open_doors(plan)
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    while line := await asyncio.to_thread(sys.stdin.readline):
        sys.stdout.write(json.dumps(await obey(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    given: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    furnish(given)
    asyncio.run(main(given))
