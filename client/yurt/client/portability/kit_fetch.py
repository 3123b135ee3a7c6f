"""Getting a kit back: 24 words and one node, or a file, are enough (TRUST 9)."""

import asyncio
import os
from collections.abc import Iterable

from yurt.client.portability.node_rows import Asks
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import VerifiedRecord
from yurt.portability.errors import KitError
from yurt.portability.kit_file import OpenKit, encode_kit, open_kit
from yurt.portability.kit_keys import KitSecrets, kit_secrets
from yurt.wire.portability_commands import FetchKit, KitFile
from yurt.wire.problems import ProblemError, refuse


async def fetch_kit(
    node: Asks,
    phrase: RecoveryPhrase,
    buddies: Iterable[str],
    files: Iterable[bytes],
    now_s: int,
    *,
    known: VerifiedRecord | None = None,
) -> OpenKit:
    """Fetch what each buddy keeps, add the files, and open the newest valid parts.

    Args:
        node: The node on which this person has an account now; it asks the buddies.
        phrase: The 24 words.
        buddies: Names of nodes.
        files: Kit files from a disk.
        now_s: Now, in seconds since 1970.
        known: A person record that is known otherwise: what it shuts out seals nothing that counts.

    Raises:
        ProblemError: Nobody has a kit that these words open; the first buddy's problem, if all failed.
    """
    secrets = await asyncio.to_thread(kit_secrets, phrase)
    copies, problems = list(files), list[ProblemError]()
    for buddy in buddies:
        try:
            copies.append(await _fetch(node, secrets, buddy, now_s))
        except ProblemError as error:
            problems.append(error)
    if not copies and problems:
        raise problems[0]
    if known is not None:
        copies.append(encode_kit(known, []))
    try:
        return await asyncio.to_thread(open_kit, copies, secrets)
    except KitError as error:
        raise refuse("refused", str(error), rule=error.rule) from None


async def _fetch(node: Asks, secrets: KitSecrets, buddy: str, now_s: int) -> bytes:
    request = secrets.sign_read(buddy, time=now_s, nonce=os.urandom(16))
    return (await node.call(FetchKit(buddy, request), KitFile)).kit
