"""What a member holds in the epoch that its group is in: all its secrets, and their rows.

An epoch begins as a value, `EpochStart`: founding a group, joining it, an own staged commit and a received
one all end in one. Installing it writes its rows; only then is it the group's current epoch.

    epoch = MemberEpoch.install(start, store)
    epoch = MemberEpoch.load(rows, slots)
    epoch.keep(pending)                 # a proposal that a commit may name
    epoch.end()                         # what only a current epoch needs is deleted
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from typing_extensions import override

from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.errors import RowsIncomplete
from yurt.mls.framed_content import AuthenticatedContent
from yurt.mls.group_store import EpochRows, GroupStore
from yurt.mls.key_schedule import EpochSecrets
from yurt.mls.leaf_node import LeafNode
from yurt.mls.message_epoch import MessageEpoch
from yurt.mls.pending_proposals import PendingProposal
from yurt.mls.public_group import PublicGroup
from yurt.mls.secret_tree import SecretTree

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class EpochStart(Structure):
    """Everything a member knows at the beginning of an epoch."""

    public: PublicGroup
    own_index: int
    secrets: EpochSecrets = field(repr=False)
    private_keys: Mapping[int, bytes] = field(repr=False)
    """Our private HPKE keys by node: our leaf's and those of nodes above it."""
    signature_private: bytes = field(repr=False)

    @override
    def encode_to(self, w: Writer) -> None:
        """Write all of it, for the row of a pending commit."""
        w.opaque(self.public.encode())
        self.encode_secrets(w)

    def encode_secrets(self, w: Writer) -> None:
        """Write all but the public side, where that is known otherwise."""
        w.u32(self.own_index)
        self.secrets.encode_to(w)
        w.u16(len(self.private_keys))
        for node, private in self.private_keys.items():
            w.u32(node).opaque(private)
        w.opaque(self.signature_private)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read what `encode_to` wrote."""
        return cls.decode_secrets(PublicGroup.decode(r.opaque()), r)

    @classmethod
    def decode_secrets(cls, public: PublicGroup, r: Reader) -> Self:
        """Read what `encode_secrets` wrote."""
        own_index, secrets = r.u32(), EpochSecrets.decode_from(r)
        private_keys = {r.u32(): r.opaque() for _ in range(r.u16())}
        return cls(public, own_index, secrets, private_keys, r.opaque())


@dataclass(frozen=True, slots=True)
class OwnUpdate(Structure):
    """The private keys of an Update that we proposed; ours once a commit names it."""

    encryption_private: bytes = field(repr=False)
    signature_private: bytes = field(repr=False)

    @override
    def encode_to(self, w: Writer) -> None:
        """Write both, for a row of its own."""
        w.opaque(self.encryption_private).opaque(self.signature_private)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read both back."""
        return cls(r.opaque(), r.opaque())


class MemberEpoch:
    """A group's current epoch over its rows."""

    def __init__(
        self,
        public: PublicGroup,
        messages: MessageEpoch,
        secrets: EpochSecrets,
        private_keys: Mapping[int, bytes],
        signature_private: bytes,
        rows: EpochRows,
    ) -> None:
        self.public = public
        """The public side of the epoch, with the proposals that came in it."""
        self.messages = messages
        self.secrets = secrets
        self.private_keys = private_keys
        self.signature_private = signature_private
        self.rows = rows
        self.suite = messages.suite
        self.own_updates: dict[bytes, OwnUpdate] = {}
        """Our own Updates by their references."""

    @property
    def own_index(self) -> int:
        """Our leaf."""
        return self.messages.own_index

    @property
    def own_leaf(self) -> LeafNode:
        """Our leaf node."""
        return self.public.tree.leaf(self.own_index)

    @property
    def context_bytes(self) -> bytes:
        """The encoded GroupContext."""
        return self.messages.context_bytes

    @classmethod
    def install(cls, start: EpochStart, store: GroupStore) -> "MemberEpoch":
        """Write the rows of an epoch that begins. The row that makes it the current one comes last."""
        public, context = start.public, start.public.context
        rows = EpochRows(store, context.group_id, context.epoch)
        suite = cipher_suite(context.cipher_suite)
        tree = SecretTree.plant(suite, public.tree.size, start.secrets.encryption_secret, rows)
        messages = MessageEpoch(context, start.own_index, start.secrets.sender_data_secret, tree)
        rows.put("public", public.encode())
        messages.write(rows)
        for node, private in start.private_keys.items():
            rows.put(f"private/{node}", private)
        # 9.2: the tree has the encryption secret now, and nothing else may keep it.
        secrets = start.secrets.without_encryption_secret()
        w = Writer().u8(_VERSION)
        secrets.encode_to(w)
        rows.put("member", w.opaque(start.signature_private).bytes())
        return cls(public, messages, secrets, start.private_keys, start.signature_private, rows)

    @classmethod
    def load(cls, rows: EpochRows, slots: Mapping[str, bytes]) -> "MemberEpoch":
        """Read the current epoch back from its rows.

        Raises:
            RowsIncomplete: Some are missing.
        """
        r = Reader(slots["member"])
        if r.u8() != _VERSION:
            raise RowsIncomplete("the group's rows are of a newer version")
        secrets, signature_private = EpochSecrets.decode_from(r), r.opaque()
        if "public" not in slots:
            raise RowsIncomplete(f"epoch {rows.epoch} has no 'public'")
        public = PublicGroup.decode(slots["public"])
        private_keys = {int(node): value for node, value in _under("private/", slots)}
        messages = MessageEpoch.load(public.context, public.tree.size, rows, slots)
        epoch = cls(public, messages, secrets, private_keys, signature_private, rows)
        epoch._load_proposals(slots)
        return epoch

    def _load_proposals(self, slots: Mapping[str, bytes]) -> None:
        for _, value in sorted(_under("proposal/", slots), key=lambda row: int(row[0])):
            content = AuthenticatedContent.decode(value)
            self.public = self.public.with_proposal(PendingProposal.of(self.suite, content))
        for reference, value in _under("update/", slots):
            self.own_updates[bytes.fromhex(reference)] = OwnUpdate.decode(value)

    def keep(self, pending: PendingProposal, update: OwnUpdate | None = None) -> None:
        """Keep a verified proposal, and its private keys if it is our own Update."""
        if update is not None:
            # First: a proposal in our name without its keys would lock us out.
            self.rows.put(f"update/{pending.reference.hex()}", update.encode())
            self.own_updates[pending.reference] = update
        before, self.public = self.public, self.public.with_proposal(pending)
        if len(self.public.proposals) > len(before.proposals):
            self.rows.put(f"proposal/{len(before.proposals)}", pending.content.encode())

    def end(self) -> None:
        """Reduce the rows to what reads this epoch's messages."""
        slots = ["pending", "member", *(f"private/{node}" for node in self.private_keys)]
        slots += [f"update/{reference.hex()}" for reference in self.own_updates]
        slots += [f"proposal/{number}" for number in range(len(self.public.proposals))]
        for slot in slots:
            self.rows.delete(slot)


def _under(prefix: str, slots: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    """List the slots of one kind, without its prefix."""
    return [(slot[len(prefix) :], value) for slot, value in slots.items() if slot.startswith(prefix)]
