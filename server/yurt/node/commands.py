"""What the `yurt` command may reach of a node, each imported only when called.

Every failure leaves as `NodeCommandError`: one line that says what to do, and an exit code.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from yurt.node.clock import SystemClock
from yurt.node.config import ConfigError, NodeConfig, network_from_environment
from yurt.node.store.types import NewerDatabase, StoreError
from yurt.wire.problems import EXIT_INTERNAL, EXIT_USAGE, EXIT_VERSION

if TYPE_CHECKING:
    from yurt.node.admin.backup import Manifest
    from yurt.node.admin.check import Check
    from yurt.node.admin.domains import DomainLists
    from yurt.node.admin.status import Status
    from yurt.node.store.account_care import AccountStanding
    from yurt.node.store.domains import Concerned

T = TypeVar("T")


class NodeCommandError(Exception):
    """A command on a node failed; the message is one line for a person."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def init(
    domain: str, data: Path, *, listen: str = "", tls_cert: str = "", tls_key: str = "", plain: bool = False
) -> NodeConfig:
    """Make a node's data directory; return its configuration.

    Without TLS files it listens plain on loopback, for a proxy.

    Raises:
        NodeCommandError: nothing was made.
    """

    def work() -> NodeConfig:
        from msgspec.structs import replace

        from yurt.node.admin.init import default_config, init_node

        config = default_config(domain, network_from_environment())
        config = replace(
            config,
            listen=listen or config.listen,
            tls_cert=str(Path(tls_cert).absolute()) if tls_cert else "",
            tls_key=str(Path(tls_key).absolute()) if tls_key else "",
            plain=plain or not (tls_cert or tls_key),
        )
        init_node(data.absolute(), config)
        return config

    return _told(work)


def invite(data: Path, *, uses: int = 1, days: int = 7) -> str:
    """Make an account invite; return its link.

    Raises:
        NodeCommandError: no invite was made.
    """

    def work() -> str:
        from yurt.node.admin.invite import make_invite

        if not 1 <= uses <= 10_000 or not 1 <= days <= 3650:
            raise ConfigError("an invite has 1 to 10000 uses and is valid for 1 to 3650 days")
        return asyncio.run(make_invite(data, _clock(), uses=uses, days=days))

    return _told(work)


def accounts(data: Path) -> list["AccountStanding"]:
    """List the node's accounts.

    Raises:
        NodeCommandError: there is no node, or its database cannot be used.
    """

    def work() -> list["AccountStanding"]:
        from yurt.node.admin.account import list_accounts

        return asyncio.run(list_accounts(data, _clock()))

    return _told(work)


def suspend(data: Path, name: str, *, undo: bool = False) -> None:
    """Suspend an account, or end its suspension.

    Raises:
        NodeCommandError: nothing was changed.
    """

    def work() -> None:
        from yurt.node.admin.account import resume_account, suspend_account

        asyncio.run(resume_account(data, name) if undo else suspend_account(data, _clock(), name))

    _told(work)


def reset(data: Path, name: str) -> str:
    """Sign an account's devices out and end its passphrase; return the address that 24 words bring back.

    Raises:
        NodeCommandError: nothing was changed.
    """

    def work() -> str:
        from yurt.node.admin.account import reset_account

        return asyncio.run(reset_account(data, name))

    return _told(work)


def delete(data: Path, name: str) -> None:
    """Remove an account for ever.

    Raises:
        NodeCommandError: nothing was changed.
    """

    def work() -> None:
        from yurt.node.admin.account import delete_account

        asyncio.run(delete_account(data, _clock(), name))

    _told(work)


def domain_lists(data: Path) -> "DomainLists":
    """List the domains that are blocked or allowed.

    Raises:
        NodeCommandError: there is no node, or its database cannot be used.
    """

    def work() -> "DomainLists":
        from yurt.node.admin.domains import list_domains

        return asyncio.run(list_domains(data))

    return _told(work)


def put_domain(data: Path, domain: str, *, blocked: bool, note: str = "") -> "Concerned":
    """Block or allow a domain; tell what it concerns.

    Raises:
        NodeCommandError: nothing was changed.
    """

    def work() -> "Concerned":
        from yurt.node.admin import domains
        from yurt.node.store.domains import ALLOW, BLOCK

        return asyncio.run(domains.put_domain(data, _clock(), domain, BLOCK if blocked else ALLOW, note))

    return _told(work)


def remove_domain(data: Path, domain: str) -> None:
    """Take a domain off its list.

    Raises:
        NodeCommandError: nothing was changed.
    """

    def work() -> None:
        from yurt.node.admin import domains

        asyncio.run(domains.remove_domain(data, domain))

    _told(work)


def domain_mode(data: Path, mode: str) -> None:
    """Let the list of blocked or that of allowed domains count.

    Raises:
        NodeCommandError: nothing was changed.
    """

    def work() -> None:
        from yurt.node.admin import domains

        asyncio.run(domains.set_mode(data, mode))

    _told(work)


def status(data: Path) -> "Status":
    """Say how a node stands.

    Raises:
        NodeCommandError: there is no node, or its database cannot be used.
    """

    def work() -> "Status":
        from yurt.node.admin.status import node_status

        return asyncio.run(node_status(data))

    return _told(work)


def backup(data: Path, out: Path, passphrase: str = "") -> "Manifest":
    """Write a backup of a node into a new file; sealed if a passphrase is given.

    Raises:
        NodeCommandError: there is no backup.
    """

    def work() -> "Manifest":
        from yurt.node.admin.backup import back_up

        return asyncio.run(back_up(data, _clock(), out, passphrase))

    return _told(work)


def needs_passphrase(source: Path) -> bool:
    """Whether a backup is sealed.

    Raises:
        NodeCommandError: it cannot be read.
    """

    def work() -> bool:
        from yurt.node.admin.restore import is_sealed

        return is_sealed(source)

    return _told(work)


def restore(source: Path, data: Path, passphrase: str = "") -> "Manifest":
    """Make a node's folder from a backup.

    Raises:
        NodeCommandError: nothing was made.
    """

    def work() -> "Manifest":
        from yurt.node.admin.restore import restore_node

        return asyncio.run(restore_node(source, data, _clock(), passphrase))

    return _told(work)


def doctor(data: Path, friend: str = "") -> "list[Check]":
    """Look for what is wrong with a node.

    Raises:
        NodeCommandError: there is no node to look at.
    """

    def work() -> "list[Check]":
        from yurt.node.admin.doctor import examine

        return asyncio.run(examine(data, _clock(), network_from_environment(), friend))

    return _told(work)


def run(data: Path) -> None:
    """Run a node until SIGTERM or SIGINT.

    Raises:
        NodeCommandError: it could not start.
    """

    def work() -> None:
        from yurt.node.run import run_node

        run_node(data)

    _told(work)


def _clock() -> SystemClock:
    network = network_from_environment()
    return SystemClock(network.path if network else None)


def _told(work: Callable[[], T]) -> T:
    try:
        return work()
    except ConfigError as error:
        raise NodeCommandError(str(error), EXIT_USAGE) from error
    except NewerDatabase as error:
        raise NodeCommandError(str(error), EXIT_VERSION) from error
    except StoreError as error:
        raise NodeCommandError(f"the database cannot be used: {error}", EXIT_INTERNAL) from error
