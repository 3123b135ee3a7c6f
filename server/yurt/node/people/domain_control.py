"""The operator's lists of domains, where a running node asks them: at each door and each way out.

The lists stand in the database, where `yurt node domains` changes them; a running node looks at them again
every second, so that a block needs no restart. Asking is a look into memory: it happens for every request.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from yurt.activitypub.domains import DomainRules
from yurt.node.store.domains import domain_rules
from yurt.node.store.types import Store, StoreError
from yurt.wire.problems import refuse

LOOK_S: Final = 1.0
Refuses = Callable[[str], str]
"""Host to the code of the rule that keeps it out, or empty."""

_log = logging.getLogger(__name__)


class DomainControl:
    """Says with whom this node has to do."""

    def __init__(self, domain: str, store: Store) -> None:
        self._domain = domain
        self._store = store
        self._rules = DomainRules(domain)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read the lists, before the first request; then look at them again."""
        await self.look()
        self._task = asyncio.create_task(self._run(), name="domain control")

    async def stop(self) -> None:
        """End; the rules stay as they are."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def refuses(self, host: str) -> str:
        """The code of the rule that keeps a domain out; empty if none does."""
        return self._rules.refuses(host)

    def check(self, host: str) -> None:
        """Let a domain in.

        Raises:
            ProblemError: `notAllowed`, with the rule; 403, as Mastodon answers.
        """
        if rule := self.refuses(host):
            raise refuse("notAllowed", f"this node has nothing to do with {host[:253]}", rule=rule)

    async def look(self) -> None:
        """Read the lists again.

        Raises:
            StoreError: they cannot be read; the rules stay as they are.
        """
        self._rules = await self._store.read(lambda tx: domain_rules(tx, self._domain))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except StoreError:
                _log.warning("the lists of domains could not be read; what was read before counts")
