"""``yurt node``: make a node, run it, invite people, care for accounts (through ``yurt.node.commands``)."""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

from yurt.cli.output import Output

DATA_VARIABLE: Final = "YURT_NODE_DATA"
_MIB: Final = 1024 * 1024


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
    _data(actions.add_parser("status", help="how the node stands"))
    backup = actions.add_parser("backup", help="write everything into one file, also while it runs")
    _data(backup)
    backup.add_argument("out", type=Path, metavar="FILE", help="a new file; holds the keys of the node")
    backup.add_argument("--seal", action="store_true", help="encrypt it under a passphrase")
    restore = actions.add_parser("restore", help="make the node's folder again from a backup")
    restore.add_argument("source", type=Path, metavar="FILE")
    _data(restore)
    doctor = actions.add_parser("doctor", help="look for what is wrong; exit code 1 if something is")
    _data(doctor)
    doctor.add_argument("--friend", default="", metavar="NODE", help="a node that tries this one's signature")
    _domain_arguments(actions.add_parser("domains", help="with which other domains this node has to do"))
    _account_arguments(actions.add_parser("account", help="list, suspend, reset or delete accounts"))


def run(args: argparse.Namespace, output: Output) -> int:
    """Do what was asked."""
    from yurt.node.commands import NodeCommandError

    try:
        return ACTIONS[args.action](args, output) or 0
    except NodeCommandError as error:
        output.fail("node", str(error))
        return error.exit_code


def _data(parser: argparse.ArgumentParser) -> None:
    place = os.environ.get(DATA_VARIABLE, "")
    parser.add_argument(
        "--data",
        type=Path,
        required=not place,
        default=Path(place) if place else None,
        metavar="DIR",
        help=f"the node's folder; ${DATA_VARIABLE} if it is not given",
    )


def _account_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _data(verbs.add_parser("list", help="every account"))
    suspend = verbs.add_parser("suspend", help="sign all devices out and let none in")
    suspend.add_argument("--undo", action="store_true", help="end the suspension")
    reset = verbs.add_parser(
        "reset", help="sign all devices out and end the passphrase; they come back with their 24 words"
    )
    delete = verbs.add_parser("delete", help="remove an account for ever; its name stays reserved")
    delete.add_argument("--yes", action="store_true", required=True, help="say that you mean it")
    for verb in (suspend, reset, delete):
        verb.add_argument("name", metavar="NAME")
        _data(verb)


def _domain_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _data(verbs.add_parser("list", help="what is blocked and allowed, and which list counts"))
    block = verbs.add_parser("block", help="nothing in and nothing out, with all names beneath it")
    allow = verbs.add_parser("allow", help="one of those that remain in the mode allowlist")
    remove = verbs.add_parser("remove", help="take it off its list")
    for verb in (block, allow, remove):
        verb.add_argument("domain", metavar="DOMAIN")
        _data(verb)
    for verb in (block, allow):
        verb.add_argument("--note", default="", help="why; for the operator only")
    mode = verbs.add_parser("mode", help="open: all but the blocked; allowlist: only the allowed")
    mode.add_argument("mode", choices=("open", "allowlist"))
    _data(mode)


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


def _account(args: argparse.Namespace, output: Output) -> None:
    _VERBS[args.verb](args, output)


def _list(args: argparse.Namespace, output: Output) -> None:
    from dataclasses import asdict

    from yurt.client.counted import counted
    from yurt.node import commands

    for one in commands.accounts(args.data):
        state = "  suspended" if one.suspended_at else ""
        output.show(asdict(one), f"{one.name:30}  {counted(one.devices, 'device')}  {one.did}{state}")


def _suspend(args: argparse.Namespace, output: Output) -> None:
    from yurt.node import commands

    commands.suspend(args.data, args.name, undo=args.undo)
    line = f"{args.name} may sign in again." if args.undo else f"{args.name} is suspended."
    output.show({"name": args.name, "suspended": not args.undo}, line)


def _reset(args: argparse.Namespace, output: Output) -> None:
    from yurt.node import commands

    address = commands.reset(args.data, args.name)
    line = f"{args.name} is signed out everywhere. They come back with their 24 words, in a new YURT_HOME:"
    line += f"\n  yurt device restore {address} --revoke-others"
    output.show({"name": args.name, "reset": True}, line)


def _delete(args: argparse.Namespace, output: Output) -> None:
    from yurt.node import commands

    commands.delete(args.data, args.name)
    output.show({"name": args.name, "deleted": True}, f"{args.name} is gone.")


def _domains(args: argparse.Namespace, output: Output) -> None:
    _DOMAIN_VERBS[args.verb](args, output)


def _list_domains(args: argparse.Namespace, output: Output) -> None:
    from dataclasses import asdict

    from yurt.node import commands

    lists = commands.domain_lists(args.data)
    output.show({"mode": lists.mode}, f"mode: {lists.mode}")
    for row in lists.rows:
        output.show(asdict(row), f"{row.kind:5}  {row.domain:40}  {row.note}".rstrip())


def _put_domain(args: argparse.Namespace, output: Output) -> None:
    from yurt.node import commands

    blocked = args.verb == "block"
    found = commands.put_domain(args.data, args.domain, blocked=blocked, note=args.note)
    value = {"domain": args.domain, "list": args.verb, "ties": found.ties, "rooms": list(found.rooms)}
    line = f"{args.domain} is {'blocked' if blocked else 'allowed'}."
    if blocked and (found.ties or found.rooms):
        line += f" Silent from now on, ties: {found.ties}; rooms that are ordered there: {len(found.rooms)}."
    output.show(value, line)


def _remove_domain(args: argparse.Namespace, output: Output) -> None:
    from yurt.node import commands

    commands.remove_domain(args.data, args.domain)
    output.show({"domain": args.domain, "list": ""}, f"{args.domain} is on no list any more.")


def _domain_mode(args: argparse.Namespace, output: Output) -> None:
    from yurt.node import commands

    commands.domain_mode(args.data, args.mode)
    output.show({"mode": args.mode}, f"mode: {args.mode}")


def _status(args: argparse.Namespace, output: Output) -> None:
    from yurt.node import commands

    found = commands.status(args.data).as_map()
    output.show(found, "\n".join(f"{name.replace('_', ' '):20} {said}" for name, said in status_lines(found)))


def _backup(args: argparse.Namespace, output: Output) -> None:
    from yurt.cli import secrets
    from yurt.node import commands

    passphrase = secrets.new_passphrase("New passphrase for this backup: ") if args.seal else ""
    made = commands.backup(args.data, args.out, passphrase)
    value = {"domain": made.domain, "made_at": made.made_at, "file": str(args.out), "sealed": args.seal}
    kept = (
        "sealed: nobody opens it without its passphrase, so keep that too, elsewhere"
        if args.seal
        else "not sealed (--seal does it): it holds the node's keys, so keep it private"
    )
    output.show(value, f"{made.domain} is backed up in {args.out}. It is {kept}.")


def _restore(args: argparse.Namespace, output: Output) -> None:
    from yurt.cli import secrets
    from yurt.node import commands

    sealed = commands.needs_passphrase(args.source)
    made = commands.restore(args.source, args.data, secrets.passphrase() if sealed else "")
    value = {"domain": made.domain, "made_at": made.made_at, "data": str(args.data)}
    output.show(value, f"{made.domain} stands in {args.data} again. Never run it beside the old one.")


def _doctor(args: argparse.Namespace, output: Output) -> int:
    from yurt.node import commands

    checks = commands.doctor(args.data, args.friend)
    for check in checks:
        output.show(check._asdict(), f"{check.level:4}  {check.code:12} {check.message}")
    return int(any(check.level == "fail" for check in checks))


def status_lines(found: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Say each figure of `status` as an operator reads it: sizes in MiB, times as dates, yes and no."""
    for name, value in found.items():
        if name == "backup_at":
            yield "newest backup", _when(value) if value else "never: `yurt node backup FILE`"
        elif name.endswith("_bytes"):
            yield name.removesuffix("_bytes"), f"{cast('int', value) / _MIB:,.1f} MiB"
        elif isinstance(value, bool):
            yield name, "yes" if value else "no"
        else:
            yield name, str(value)


def _when(seconds: object) -> str:
    return f"{datetime.fromtimestamp(cast('int', seconds), UTC):%Y-%m-%d %H:%M} UTC"


_VERBS = {"list": _list, "suspend": _suspend, "reset": _reset, "delete": _delete}
_DOMAIN_VERBS = {
    "list": _list_domains,
    "block": _put_domain,
    "allow": _put_domain,
    "remove": _remove_domain,
    "mode": _domain_mode,
}
ACTIONS: Final[dict[str, Callable[[argparse.Namespace, Output], int | None]]] = {
    "init": _init,
    "run": _run,
    "invite": _invite,
    "account": _account,
    "domains": _domains,
    "status": _status,
    "backup": _backup,
    "restore": _restore,
    "doctor": _doctor,
}
