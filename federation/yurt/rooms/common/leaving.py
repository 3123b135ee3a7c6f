"""Leaving a room: a SelfRemove, sent on its own, that somebody else commits (TRUST 3).

Nobody can commit their own removal, so the others must: before their next message, at latest 60 s after the
proposal was accepted. A commit that raced it ends the epoch without it; then the leaver says it again. Who
has several devices takes the others out first, by a commit, and leaves with the last.

    leaving = judge_proposal(pending, tree)          # hub, member node and client alike
    stage_commit(references=..., policy=without(...))      # within COMMIT_WITHIN_MS
"""

from dataclasses import dataclass
from typing import Final

from yurt.identity.did import Did
from yurt.mls.pending_proposals import PendingProposal
from yurt.mls.proposals import SelfRemove
from yurt.mls.ratchet_tree import RatchetTree
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.participants import verified_leaf
from yurt.rooms.common.rules import Rule

COMMIT_WITHIN_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Leaving:
    """Whose leaf wants to go."""

    did: Did
    device_id: bytes
    index: int
    reference: bytes
    """The name by which a commit calls the proposal."""


def judge_proposal(pending: PendingProposal, tree: RatchetTree) -> Leaving:
    """Decide whether a proposal may travel on its own in a room.

    Args:
        pending: Verified by MLS, in the current epoch.
        tree: That epoch's.

    Raises:
        Refused: ``selfRemove``: it is no member's SelfRemove.
    """
    if type(pending.proposal) is not SelfRemove or pending.author is None:
        raise Refused(Rule.SELF_REMOVE, "only a member's SelfRemove travels on its own")
    leaf = verified_leaf(tree.leaf(pending.author))
    return Leaving(leaf.did, leaf.device_id, pending.author, pending.reference)
