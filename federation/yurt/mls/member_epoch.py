"""What a member holds in the epoch that its group is in: all its secrets, and their rows.

An epoch begins as a value, `EpochStart`: founding a group, joining it, an own staged commit and a received
one all end in one. Installing it writes its rows; only then is it the group's current epoch.

    epoch = MemberEpoch.install(start, store)
    epoch = MemberEpoch.load(rows, slots)
    epoch.end(ended_at=None)            # what only a current epoch needs is deleted
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from typing_extensions import override

from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.errors import RowsIncomplete
from yurt.mls.group_store import EpochRows, GroupStore
from yurt.mls.key_schedule import EpochSecrets
from yurt.mls.leaf_node import LeafNode
from yurt.mls.message_epoch import MessageEpoch
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
        w.opaque(self.public.encode()).u32(self.own_index)
        self.secrets.encode_to(w)
        w.u16(len(self.private_keys))
        for node, private in self.private_keys.items():
            w.u32(node).opaque(private)
        w.opaque(self.signature_private)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read what `encode_to` wrote."""
        public, own_index, secrets = PublicGroup.decode(r.opaque()), r.u32(), EpochSecrets.decode_from(r)
        private_keys = {r.u32(): r.opaque() for _ in range(r.u16())}
        return cls(public, own_index, secrets, private_keys, r.opaque())


class MemberEpoch:
    """A group's current epoch over its rows."""

    def __init__(
        self,
        messages: MessageEpoch,
        secrets: EpochSecrets,
        private_keys: Mapping[int, bytes],
        signature_private: bytes,
        rows: EpochRows,
    ) -> None:
        self.messages = messages
        self.secrets = secrets
        self.private_keys = private_keys
        self.signature_private = signature_private
        self.rows = rows
        self.suite = messages.suite

    @property
    def public(self) -> PublicGroup:
        """The public side of the epoch."""
        return self.messages.public

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
        context, public = start.public.context, start.public
        rows = EpochRows(store, context.group_id, context.epoch)
        suite = cipher_suite(context.cipher_suite)
        tree = SecretTree.plant(suite, public.tree.size, start.secrets.encryption_secret, rows)
        messages = MessageEpoch(public, start.own_index, start.secrets.sender_data_secret, tree)
        messages.write(rows)
        for node, private in start.private_keys.items():
            rows.put(f"private/{node}", private)
        # 9.2: the tree has the encryption secret now, and nothing else may keep it.
        secrets = start.secrets.without_encryption_secret()
        w = Writer().u8(_VERSION)
        secrets.encode_to(w)
        rows.put("member", w.opaque(start.signature_private).bytes())
        return cls(messages, secrets, start.private_keys, start.signature_private, rows)

    @classmethod
    def load(cls, rows: EpochRows, slots: Mapping[str, bytes]) -> "MemberEpoch":
        """Read the current epoch back from its rows."""
        r = Reader(slots["member"])
        if r.u8() != _VERSION:
            raise RowsIncomplete("the group's rows are of a newer version")
        secrets, signature_private = EpochSecrets.decode_from(r), r.opaque()
        private_keys = {
            int(slot.removeprefix("private/")): value
            for slot, value in slots.items()
            if slot.startswith("private/")
        }
        messages = MessageEpoch.load(rows, slots)
        return cls(messages, secrets, private_keys, signature_private, rows)

    def end(self, ended_at: int | None) -> None:
        """Reduce the rows to what reads this epoch's messages.

        Args:
            ended_at: Log time in ms of the commit that ended it; None if it is not known yet.
        """
        for slot in ("pending", "member", *(f"private/{node}" for node in self.private_keys)):
            self.rows.delete(slot)
        self.messages.end(self.rows, ended_at)
