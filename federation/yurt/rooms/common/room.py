"""A room is an MLS group with a policy and with leaves that say whose they are: reading both.

standing = read_room(context.extensions, tree)      # by the hub for a new room, by a joiner for any
"""

from collections.abc import Sequence

from yurt.identity.errors import RemoteIdentityError
from yurt.mls.errors import DecodeError
from yurt.mls.extensions import Extension, ExtensionType, RequiredCapabilities
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.participants import Participants, Standing, Tree, participants_of
from yurt.rooms.common.policy import RoomPolicy
from yurt.rooms.common.rules import Rule
from yurt.wire.registry import CIPHER_SUITE, LEAF_EXTENSION, ROOM_POLICY_EXTENSION


def required_capabilities() -> Extension:
    """Give the extension that every room has: each leaf must know 0xF0B1 and 0xF0B2 (TRUST 2)."""
    required = RequiredCapabilities(extension_types=(LEAF_EXTENSION, ROOM_POLICY_EXTENSION))
    return Extension(ExtensionType.REQUIRED_CAPABILITIES, required.encode())


def room_extensions(policy: RoomPolicy) -> tuple[Extension, ...]:
    """Give the GroupContext extensions of a room with this policy.

    Raises:
        Refused: ``policyFull``.
    """
    return required_capabilities(), Extension(ROOM_POLICY_EXTENSION, policy.encode())


def read_room(extensions: Sequence[Extension], tree: Tree) -> Standing:
    """Check that a group is a room, and learn who is in it.

    A joiner checks the whole tree of its Welcome with this. Expiry is not asked: these leaves were judged
    when they entered.

    Args:
        extensions: Of the GroupContext.
        tree: The ratchet tree.

    Raises:
        Refused: ``requiredCapabilities``, a rule of the policy, ``badLeaf`` or ``duplicateDevice``.
    """
    check_required(extensions)
    return Standing(read_policy(extensions), read_people(tree))


def check_suite(suite: int) -> None:
    """Check that a group is of the one suite that rooms have; leaf certificates are for it.

    Raises:
        Refused: ``wrongSuite``.
    """
    if suite != CIPHER_SUITE:
        raise Refused(Rule.WRONG_SUITE, "a room uses MLS cipher suite 0x0001")


def read_policy(extensions: Sequence[Extension]) -> RoomPolicy:
    """Read the room's policy out of the GroupContext's extensions.

    Raises:
        Refused: ``policyMissing``, ``policyVersion``, ``policyMalformed`` or ``policyFull``.
    """
    found = [e.extension_data for e in extensions if e.extension_type == ROOM_POLICY_EXTENSION]
    if len(found) != 1:
        raise Refused(Rule.POLICY_MISSING, "the group has no policy, so it is no room")
    return RoomPolicy.decode(found[0])


def read_people(tree: Tree) -> Participants:
    """Verify all leaves of a tree; no device has two.

    Raises:
        Refused: ``badLeaf`` or ``duplicateDevice``.
    """
    try:
        people = participants_of(tree)
    except RemoteIdentityError as error:
        raise Refused(Rule.BAD_LEAF, f"a leaf: {error}", detail=error.rule) from None
    if len({member.leaf.key for member in people.members}) != len(people.members):
        raise Refused(Rule.DUPLICATE_DEVICE, "a device has two leaves")
    return people


def check_required(extensions: Sequence[Extension]) -> None:
    """Check that the group demands our extensions of each leaf, and lets nobody in from outside.

    Raises:
        Refused: ``requiredCapabilities`` or ``extensionsChanged``.
    """
    try:
        required = RequiredCapabilities.of(extensions)
    except DecodeError:
        raise Refused(Rule.REQUIRED_CAPABILITIES, "the required capabilities are malformed") from None
    if not {LEAF_EXTENSION, ROOM_POLICY_EXTENSION} <= set(required.extension_types):
        raise Refused(Rule.REQUIRED_CAPABILITIES, "a room requires the extensions 0xF0B1 and 0xF0B2")
    # TRUST 3: external senders are absent.
    if any(e.extension_type == ExtensionType.EXTERNAL_SENDERS for e in extensions):
        raise Refused(Rule.EXTENSIONS_CHANGED, "a room has no external senders")
