"""Entering a group: founding it, or following a Welcome into it (RFC 9420, 11 and 12.4.3.1).

start = found(suite, group_id, leaf, extensions, lifetime, os.urandom)
joined = join(welcome, bundle, tree)
"""

from dataclasses import dataclass, field
from typing import Final

from yurt.mls import tree_math
from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.errors import DecryptionFailed, InvalidGroupInfo, InvalidTag
from yurt.mls.extensions import Extension
from yurt.mls.framing import MLSMessage
from yurt.mls.group_context import GroupContext
from yurt.mls.group_info import GroupInfo
from yurt.mls.key_package_bundle import KeyPackageBundle, OwnLeaf
from yurt.mls.key_schedule import EpochEntry, EpochSecrets, confirmation_tag, same_tag
from yurt.mls.labels import decrypt_with_label
from yurt.mls.leaf_node import Lifetime
from yurt.mls.member_epoch import EpochStart
from yurt.mls.psk_secret import KnownPsks
from yurt.mls.public_group import PublicGroup
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.succession import check_succession
from yurt.mls.treekem import derive_path
from yurt.mls.welcome import GroupSecrets, Welcome

WELCOME_LABEL: Final = "Welcome"
FOREVER: Final = Lifetime(0, 2**64 - 1)
NO_PSKS: Final = KnownPsks()


def found(
    suite: CipherSuite,
    group_id: bytes,
    leaf: OwnLeaf,
    extensions: tuple[Extension, ...],
    lifetime: Lifetime,
    random: Random,
) -> EpochStart:
    """Make epoch 0 of a group whose only member we are (11)."""
    private, public_key = suite.generate_hpke_key(random)
    tree = RatchetTree.of(suite, leaf.key_package_leaf(suite, public_key, lifetime))
    context = GroupContext(suite.value, group_id, 0, tree.tree_hash(), b"", extensions)
    secrets = EpochSecrets.of(suite, random(suite.hash_size))
    tag = confirmation_tag(suite, secrets.confirmation_key, context.confirmed_transcript_hash)
    public = PublicGroup.found(context, tree, tag)
    return EpochStart(public, 0, secrets, {0: private}, leaf.signature_private)


@dataclass(frozen=True, slots=True)
class OpenedWelcome:
    """A Welcome that our key package opened. Its GroupInfo is not verified yet."""

    suite: CipherSuite
    group_info: GroupInfo
    group_secrets: GroupSecrets = field(repr=False)
    entry: EpochEntry = field(repr=False)


@dataclass(frozen=True, slots=True)
class Joined:
    """The epoch we enter, and what else its GroupInfo told us."""

    start: EpochStart
    group_info_extensions: tuple[Extension, ...]
    added_by: int
    """The leaf index of who signed the GroupInfo."""


def join(
    message: bytes,
    bundle: KeyPackageBundle,
    tree: RatchetTree | None,
    psks: KnownPsks = NO_PSKS,
    previous: PublicGroup | None = None,
) -> Joined:
    """Verify everything a Welcome says, and derive the epoch's secrets.

    Args:
        message: The MLSMessage.
        bundle: The key package that we were added with.
        tree: The ratchet tree, if the Welcome does not carry it.
        psks: Pre-shared keys that we have.
        previous: The group that this one says to follow, after a ReInit or as its branch.

    Raises:
        DecryptionFailed: It is not for this key package.
        UnknownPsk: It needs a pre-shared key that is not in `psks`.
        InvalidSuccession: It does not follow `previous` as it says.
        InvalidGroupInfo, InvalidTree, InvalidSignature, InvalidTag: It does not hold together.
    """
    welcome = open_welcome(MLSMessage.decode(message).expect(Welcome), bundle, psks)
    info, suite = welcome.group_info, welcome.suite
    # 12.4.3.1: the signer's signature, the tree hash and the whole tree.
    public = PublicGroup.from_group_info(info, tree, now_ms=None)
    if public.context.cipher_suite != suite.value:
        raise InvalidGroupInfo("cipherSuite", "the Welcome names another")
    check_succession(public, welcome.group_secrets.psks, previous)
    own_index = public.tree.index_of(bundle.key_package.leaf_node)
    if own_index is None:
        raise InvalidGroupInfo("ownLeaf", "our leaf is not in the tree")
    secrets = welcome.entry.epoch_secrets(info.group_context.encode())
    transcript = info.group_context.confirmed_transcript_hash
    expected = confirmation_tag(suite, secrets.confirmation_key, transcript)
    if not same_tag(expected, info.confirmation_tag):
        raise InvalidTag("confirmation")
    private_keys = {tree_math.leaf_to_node(own_index): bundle.encryption_private}
    private_keys |= _path_keys(welcome, public.tree, own_index)
    start = EpochStart(public, own_index, secrets, private_keys, bundle.signature_private)
    return Joined(start, info.extensions, info.signer)


def open_welcome(welcome: Welcome, bundle: KeyPackageBundle, psks: KnownPsks = NO_PSKS) -> OpenedWelcome:
    """Decrypt our secrets and the GroupInfo.

    Raises:
        DecryptionFailed: The Welcome is not for this key package, or was changed.
        UnknownPsk: It needs a pre-shared key that is not in `psks`.
    """
    if welcome.cipher_suite != bundle.key_package.cipher_suite:
        raise DecryptionFailed("the Welcome is for another cipher suite")
    suite, ref = cipher_suite(welcome.cipher_suite), bundle.ref
    ours = next((entry for entry in welcome.secrets if entry.new_member == ref), None)
    if ours is None:
        raise DecryptionFailed("the Welcome is not for this key package")
    sealed, info = ours.encrypted_group_secrets, welcome.encrypted_group_info
    secrets = GroupSecrets.decode(decrypt_with_label(suite, bundle.init_private, WELCOME_LABEL, info, sealed))
    entry = EpochEntry.of(suite, secrets.joiner_secret, psks.secret(suite, secrets.psks))
    key, nonce = entry.welcome_key()
    group_info = GroupInfo.decode(suite.aead_open(key, nonce, b"", info))
    return OpenedWelcome(suite, group_info, secrets, entry)


def _path_keys(welcome: OpenedWelcome, tree: RatchetTree, own_index: int) -> dict[int, bytes]:
    """Derive the private keys that we share with the committer (12.4.3.1)."""
    secret = welcome.group_secrets.path_secret
    if secret is None:
        return {}
    own, signer = map(tree_math.leaf_to_node, (own_index, welcome.group_info.signer))
    shared = tree_math.common_ancestor(own, signer)
    above = (shared, *tree_math.direct_path(shared, tree.size))
    nodes = [node for node in above if tree.parent_node(node) is not None]
    path = derive_path(welcome.suite, secret, nodes)
    if nodes[:1] != [shared] or any(s.public != tree.encryption_key(s.node) for s in path.steps):
        raise InvalidGroupInfo("pathSecret", "the path secret does not give the tree's keys")
    return path.private_keys()
