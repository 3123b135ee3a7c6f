"""Participants with real MLS groups, for tests of nodes: what each would send, as the wire has it.

Nothing of the product imports this module, and no node: a node has no path to a group (DESIGN 2).

    ana, bo = Participant("ana", "harbour.example", 1), Participant("bo", "harbour.example", 2)
    info = ana.found("harbour.example")
    adding = ana.adds(bo)
    ana.merges(accepted_at), bo.joins(adding)
"""

from yurt.identity.leaf import LeafUse
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.key_package_bundle import KeyPackageBundle
from yurt.mls.leaf_node import Lifetime
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.policy import RoomPolicy
from yurt.rooms.common.room import room_extensions
from yurt.rooms.rehearsal import Device
from yurt.rooms.testing import DAY, NOW, NOW_MS, ROOM_ID, Person
from yurt.wire.registry import EntryKind
from yurt.wire.room_commands import Append


class Participant:
    """One person with one device, at one node; they speak in the room `ROOM_ID`."""

    def __init__(self, name: str, node: str, number: int) -> None:
        """Make somebody; the number makes their keys.

        Args:
            name: Of their account.
            node: Where they live.
            number: 1 to 255.
        """
        person = Person(name, number)
        person.actor = f"https://{node}/users/{name}"
        self.name, self.did, self.actor = name, person.did, person.actor
        self.device = Device(person)
        self.store = MemoryGroupStore()
        self._group: Group | None = None
        self._bundle: KeyPackageBundle | None = None

    @property
    def device_id(self) -> bytes:
        """Of their only device."""
        return self.device.keys.device_id

    @property
    def group(self) -> Group:
        """Their group, once they are in it."""
        assert self._group is not None  # noqa: S101  # a helper of tests
        return self._group

    def found(self, hub: str) -> bytes:
        """Found the room at a hub; return the GroupInfo of epoch 0."""
        self._group = Group.create(
            self.store,
            SUITE,
            ROOM_ID,
            self.device.leaf(LeafUse.JOINING),
            extensions=room_extensions(RoomPolicy.first(hub, ROOM_ID, self.did)),
            lifetime=Lifetime(NOW - DAY, NOW + 28 * DAY),
        )
        return self._group.group_info(with_tree=True)

    def says(self, text: str) -> Append:
        """Encrypt a message."""
        return Append(room=ROOM_ID, kind=EntryKind.MESSAGE, entry=self.group.encrypt(text.encode()))

    def commits(self, *, removes: tuple[int, ...] = (), references: tuple[bytes, ...] = ()) -> Append:
        """Stage a commit that adds nobody."""
        return _offered(self._stage(removes=removes, references=references))

    def adds(self, guest: "Participant") -> Append:
        """Stage a commit that adds somebody."""
        guest._bundle = guest.device.key_package()  # noqa: SLF001  # of the same class
        return _offered(self._stage(guest._bundle))  # noqa: SLF001  # likewise

    def merges(self, accepted_at: int) -> None:
        """Enter the epoch of the own commit, which was accepted at this time (milliseconds)."""
        self.group.merge(at=accepted_at)

    def joins(self, adding: Append) -> None:
        """Enter the room by the Welcome of the commit that added them."""
        assert self._bundle is not None  # noqa: S101  # a helper of tests
        self._group = Group.join(self.store, adding.welcome, self._bundle)

    def _stage(
        self,
        *adds: KeyPackageBundle,
        removes: tuple[int, ...] = (),
        references: tuple[bytes, ...] = (),
    ) -> StagedCommit:
        return self.group.stage_commit(
            references=references,
            adds=[bundle.key_package for bundle in adds],
            removes=removes,
            leaf=self.device.leaf(),
            force_path=True,
            authenticated_data=CommitData(NOW_MS).encode(),
        )


def _offered(staged: StagedCommit) -> Append:
    """Say a staged commit as it is offered to the hub."""
    return Append(
        room=ROOM_ID,
        kind=EntryKind.COMMIT,
        entry=staged.commit,
        group_info=staged.group_info,
        welcome=staged.welcome or b"",
    )
