"""What comes with a commit: the GroupInfo of its new epoch, and a Welcome if it adds leaves (TRUST 4, 6).

Both are opaque to the hub but for their outside; they are checked before the commit is accepted, since
nobody could mend them afterwards.
"""

from typing import Final

from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.errors import RemoteMlsError
from yurt.mls.extensions import ExtensionType, find_extension
from yurt.mls.framing import MLSMessage
from yurt.mls.proposals import Add
from yurt.mls.welcome import Welcome
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.commits import JudgedCommit
from yurt.wire.registry import ROOM_CARD_EXTENSION

_NOT_IN_THE_OPEN: Final = (ExtensionType.RATCHET_TREE, ROOM_CARD_EXTENSION)
"""The hub has the tree, and must never see the room's name."""


def check_group_info(commit: JudgedCommit, data: bytes) -> None:
    """Check the GroupInfo that a commit brings.

    Args:
        commit: The commit.
        data: The MLSMessage.

    Raises:
        Refused: ``groupInfoMissing`` or ``groupInfoWrong``.
    """
    if not data:
        raise Refused(Rule.GROUP_INFO_MISSING, "a commit comes with the GroupInfo of its new epoch")
    try:
        info = commit.public.check_group_info(data)
    except RemoteMlsError as error:
        raise Refused(
            Rule.GROUP_INFO_WRONG, f"the GroupInfo does not fit: {error}", detail=error.rule
        ) from None
    if info.signer != commit.committer_index:
        raise Refused(Rule.GROUP_INFO_WRONG, "the GroupInfo is not signed by the committer")
    if find_extension(info.extensions, ExtensionType.EXTERNAL_PUB) is None:
        raise Refused(Rule.GROUP_INFO_WRONG, "the GroupInfo has no external key")
    if any(find_extension(info.extensions, kind) is not None for kind in _NOT_IN_THE_OPEN):
        raise Refused(Rule.GROUP_INFO_WRONG, "the GroupInfo carries a tree or the room's card in the open")


def check_welcome(commit: JudgedCommit, data: bytes) -> None:
    """Check that a commit brings a Welcome for exactly the key packages that it adds.

    Args:
        commit: The commit.
        data: The MLSMessage, or nothing.

    Raises:
        Refused: ``welcomeMissing`` or ``welcomeWrong``.
    """
    suite = cipher_suite(commit.public.context.cipher_suite)
    added = _added(commit, suite)
    if added and not data:
        raise Refused(Rule.WELCOME_MISSING, "a commit that adds leaves comes with their Welcome")
    if data and _welcomed(data) != added:
        raise Refused(Rule.WELCOME_WRONG, "the Welcome is not for the leaves that the commit adds")


def _added(commit: JudgedCommit, suite: CipherSuite) -> list[bytes]:
    proposals = (proposal for proposal, _ in commit.mls.proposals)
    return sorted(p.key_package.ref(suite) for p in proposals if isinstance(p, Add))


def _welcomed(data: bytes) -> list[bytes]:
    try:
        body = MLSMessage.decode(data).body
    except RemoteMlsError as error:
        raise Refused(Rule.WELCOME_WRONG, "the Welcome is malformed", detail=error.rule) from None
    if not isinstance(body, Welcome):
        raise Refused(Rule.WELCOME_WRONG, "what came as a Welcome is another message")
    return sorted(secrets.new_member for secrets in body.secrets)
