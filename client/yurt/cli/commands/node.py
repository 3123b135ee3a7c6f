"""``yurt node init|run|invite``: make a node, run it, invite people (through ``yurt.node.commands``)."""

import argparse
from pathlib import Path

from yurt.cli.output import Output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    init = actions.add_parser("init", help="make a node's folder: keys, database, node.toml")
    init.add_argument("domain", metavar="DOMAIN", help="the node's name, for ever")
    _data(init)
    init.add_argument("--listen", default="", help="ADDRESS:PORT, or a unix socket")
    init.add_argument("--tls-cert", default="", metavar="FILE")
    init.add_argument("--tls-key", default="", metavar="FILE")
    init.add_argument("--plain", action="store_true", help="no TLS: a proxy on this machine does it")
    run_ = actions.add_parser("run", help="run it until SIGTERM")
    _data(run_)
    invite = actions.add_parser("invite", help="print an invite link for an account")
    _data(invite)
    invite.add_argument("--uses", type=int, default=1)
    invite.add_argument("--days", type=int, default=7)


def run(args: argparse.Namespace, output: Output) -> int:
    """Do what was asked."""
    from yurt.node.commands import NodeCommandError

    try:
        _ACTIONS[args.action](args, output)
    except NodeCommandError as error:
        output.fail("node", str(error))
        return error.exit_code
    return 0


def _data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the node's folder")


def _init(args: argparse.Namespace, output: Output) -> None:
    from yurt.node import commands

    config = commands.init(
        args.domain,
        args.data,
        listen=args.listen,
        tls_cert=args.tls_cert,
        tls_key=args.tls_key,
        plain=args.plain,
    )
    value = {"domain": config.domain, "listen": config.listen, "data": str(args.data)}
    output.show(
        value, f"{config.domain} is ready in {args.data}: run it with `yurt node run --data {args.data}`."
    )


def _run(args: argparse.Namespace, _output: Output) -> None:
    from yurt.node import commands

    commands.run(args.data)


def _invite(args: argparse.Namespace, output: Output) -> None:
    from yurt.node import commands

    link = commands.invite(args.data, uses=args.uses, days=args.days)
    output.show({"link": link}, link)


_ACTIONS = {"init": _init, "run": _run, "invite": _invite}
