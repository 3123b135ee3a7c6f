"""Groups that follow another: what a ReInit continues in, and what branches off (RFC 9420, 11.2 and 11.3).

The first commit of such a group mixes in a key of the old one, so that nobody else can have made it; and
it adds members of the old one only. Who joins checks that it is what it says.

    check_succession(public, group_secrets.psks, previous)
"""

from collections.abc import Iterable
from enum import StrEnum

from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.errors import InvalidSuccession, UnknownPsk
from yurt.mls.pre_shared_key import PreSharedKeyID, ResumptionPSK, ResumptionPSKUsage
from yurt.mls.proposals import PreSharedKey
from yurt.mls.public_group import PublicGroup


class SuccessionRule(StrEnum):
    """The codes of the rules here."""

    TWICE = "successionTwice"
    NOT_FIRST = "successionNotFirstEpoch"
    OTHER_GROUP = "successionOtherGroup"
    NO_REINIT = "successionNoReInit"
    OTHER_PARAMETERS = "successionOtherParameters"
    STRANGER = "successionStranger"
    MISSING = "successionMemberMissing"


def resumption(
    previous: PublicGroup, usage: ResumptionPSKUsage, suite: CipherSuite, random: Random
) -> PreSharedKey:
    """Propose to mix the key of `previous` in its current epoch (8.6) into a group of `suite`."""
    source = ResumptionPSK(usage, previous.group_id, previous.epoch)
    return PreSharedKey(PreSharedKeyID(source, random(suite.hash_size)))


def check_succession(
    public: PublicGroup, names: Iterable[PreSharedKeyID], previous: PublicGroup | None
) -> None:
    """Check a group that we join against the one that its Welcome says it follows.

    Args:
        public: The group that we join.
        names: The pre-shared keys of the Welcome.
        previous: The old group as we know it.

    Raises:
        UnknownPsk: It follows a group that we were not told of.
        InvalidSuccession: With a code of `SuccessionRule`.
    """
    sources = [name.source for name in names if isinstance(name.source, ResumptionPSK)]
    following = [source for source in sources if source.usage is not ResumptionPSKUsage.APPLICATION]
    if not following:
        return
    if len(following) > 1:
        raise InvalidSuccession(SuccessionRule.TWICE)
    if previous is None:
        raise UnknownPsk
    (source,) = following
    if (source.group_id, source.epoch) != (previous.group_id, previous.epoch):
        raise InvalidSuccession(SuccessionRule.OTHER_GROUP)
    if public.epoch != 1:
        raise InvalidSuccession(SuccessionRule.NOT_FIRST, f"epoch {public.epoch}")
    if source.usage is ResumptionPSKUsage.REINIT:
        _check_reinit(public, previous)
    else:
        _check_branch(public, previous)


def _check_reinit(public: PublicGroup, previous: PublicGroup) -> None:
    """11.2: exactly what the ReInit announced, with everybody who was there."""
    reinit, context = previous.reinit, public.context
    if reinit is None:
        raise InvalidSuccession(SuccessionRule.NO_REINIT)
    announced = (reinit.group_id, reinit.cipher_suite, reinit.extensions)
    if announced != (context.group_id, context.cipher_suite, context.extensions):
        raise InvalidSuccession(SuccessionRule.OTHER_PARAMETERS)
    _check_members(public, previous)
    if public.tree.member_count != previous.tree.member_count:
        raise InvalidSuccession(SuccessionRule.MISSING)


def _check_branch(public: PublicGroup, previous: PublicGroup) -> None:
    """11.3: the same suite, and nobody who was not there."""
    if public.context.cipher_suite != previous.context.cipher_suite:
        raise InvalidSuccession(SuccessionRule.OTHER_PARAMETERS)
    _check_members(public, previous)


def _check_members(public: PublicGroup, previous: PublicGroup) -> None:
    """A member is known by its credential: its keys are new in a new group."""
    known = {leaf.credential for _, leaf in previous.tree.leaves()}
    for index, leaf in public.tree.leaves():
        if leaf.credential not in known:
            raise InvalidSuccession(SuccessionRule.STRANGER, f"leaf {index}")
