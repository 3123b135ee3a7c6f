"""`python -m yurt.node init|run|invite`: a node without the `yurt` command, for service files and the lab."""

import argparse
import json
import sys
from pathlib import Path

from yurt.node import commands
from yurt.node.commands import NodeCommandError


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        for line in _do(options):
            sys.stdout.write(line + "\n")
    except NodeCommandError as error:
        sys.stderr.write(f"yurt node: {error}\n")
        return error.exit_code
    return 0


def _do(options: argparse.Namespace) -> list[str]:
    data: Path = options.data
    match options.command:
        case "init":
            tls = {"tls_cert": options.tls_cert, "tls_key": options.tls_key}
            config = commands.init(options.domain, data, listen=options.listen, plain=options.plain, **tls)
            return [_line(options, f"made {config.domain} in {data}", domain=config.domain, data=str(data))]
        case "invite":
            link = commands.invite(data, uses=options.uses, days=options.days)
            return [_line(options, link, link=link)]
        case _:
            commands.run(data)
            return []


def _line(options: argparse.Namespace, text: str, **values: str) -> str:
    return json.dumps(values) if options.json else text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m yurt.node", description="A Yurt node.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", type=Path, required=True, help="the node's data directory")
    common.add_argument("--json", action="store_true", help="answer in JSON")
    subparsers = parser.add_subparsers(dest="command", required=True)
    init = subparsers.add_parser("init", parents=[common], help="make a node")
    init.add_argument("domain", help="the node's name, for ever: a domain without port")
    init.add_argument("--listen", default="", help="ADDRESS:PORT or unix:PATH")
    init.add_argument("--tls-cert", default="", help="certificate chain, PEM")
    init.add_argument("--tls-key", default="", help="its private key, PEM")
    init.add_argument("--plain", action="store_true", help="no TLS: only on loopback, behind a proxy")
    subparsers.add_parser("run", parents=[common], help="run a node until it is told to stop")
    invite = subparsers.add_parser("invite", parents=[common], help="make a link with which somebody joins")
    invite.add_argument("--uses", type=int, default=1, help="how many people may join with it")
    invite.add_argument("--days", type=int, default=7, help="how long it is valid")
    return parser


if __name__ == "__main__":
    sys.exit(main())
