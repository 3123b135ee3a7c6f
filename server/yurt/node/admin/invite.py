"""`invite`: a link with which somebody joins this node; works while the node runs, and while it does not."""

from pathlib import Path

from yurt.node import config as configuration
from yurt.node.accounts.tokens import InviteLink, secret_hash
from yurt.node.admin.opened import opened_store
from yurt.node.clock import Clock
from yurt.node.store.accounts import add_invite

_DAY_S = 86_400


async def make_invite(data: Path, clock: Clock, *, uses: int, days: int) -> str:
    """Keep a new invite and return its link; the secret is in no file.

    Raises:
        ConfigError: no node there.
        StoreError: its database cannot be used.
    """
    config = configuration.load(data)
    link, not_after = InviteLink.new(), clock.now_s() + days * _DAY_S
    async with opened_store(data) as store:
        await store.write(lambda tx: add_invite(tx, link.code, secret_hash(link.secret), uses, not_after))
    return link.url(config.origin)
