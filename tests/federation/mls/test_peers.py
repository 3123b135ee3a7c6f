"""Two other implementations share a group with ours: OpenMLS (`davey`) and Cisco's mlspp (`dave`).

Both are the MLS of Discord's DAVE protocol, suite 0x0002: a gateway outside the group proposes who comes
and goes, and any member commits it. So this also shows external proposals, and commits by reference.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from yurt.mls.capabilities import Capabilities
from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.codec import Reader, Writer
from yurt.mls.credential import Credential, CredentialType
from yurt.mls.extensions import Extension, ExtensionType, ExternalSender
from yurt.mls.framing import MLSMessage
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.key_package import KeyPackage
from yurt.mls.key_package_bundle import OwnLeaf, make_key_package
from yurt.mls.outside import propose_from_outside
from yurt.mls.proposals import Add, Proposal, Remove
from yurt.mls.receiving import ReceivedCommit, ReceivedProposal
from yurt.mls.welcome import Welcome

davey: Any = pytest.importorskip("davey", reason="no wheel of davey for this machine")
dave: Any = pytest.importorskip("dave", reason="no wheel of dave-py for this machine")

SUITE = cipher_suite(0x0002)
CHANNEL = 1234567890
EVERYBODY = (1, 2, 3, 4)
GATEWAY = SUITE.generate_signature_key()
SENDER = ExternalSender(SUITE.signature_public(GATEWAY), Credential.basic(b"gateway"))


def identity(user: int) -> bytes:
    return user.to_bytes(8, "big")


def unheard(source: str, reason: str) -> None:
    """Take a complaint of mlspp; what it does not do is what fails the test."""


def leaf(user: int) -> OwnLeaf:
    capabilities = Capabilities(cipher_suites=(SUITE.value,), credentials=(CredentialType.BASIC,))
    key = SUITE.generate_signature_key()
    return OwnLeaf(Credential.basic(identity(user)), capabilities, (), key)


@dataclass
class Call:
    """One of us in a group with one of each other kind."""

    ours: Group
    openmls: Any
    mlspp: Any

    @classmethod
    def begin(cls) -> "Call":
        openmls = davey.DaveSession(1, 2, CHANNEL)
        mlspp = dave.Session(unheard)
        mlspp.init(1, CHANNEL, "3", None)
        for peer in (openmls, mlspp):
            peer.set_external_sender(SENDER.encode())
        listed = Extension(ExtensionType.EXTERNAL_SENDERS, Writer().vector([SENDER]).bytes())
        ours = Group.create(MemoryGroupStore(), SUITE, identity(CHANNEL), leaf(1), extensions=(listed,))
        call = cls(ours, openmls, mlspp)
        packages = openmls.get_serialized_key_package(), mlspp.get_marshalled_key_package()
        references = [call.hear(call.proposed(Add(KeyPackage.decode(package)))) for package in packages]
        staged = ours.stage_commit(references=references)
        ours.merge()
        assert staged.welcome is not None
        welcome = MLSMessage.decode(staged.welcome).expect(Welcome).encode()
        openmls.process_welcome(welcome)
        assert mlspp.process_welcome(welcome, set(map(str, EVERYBODY))) is not None
        return call

    def proposed(self, proposal: Proposal) -> bytes:
        return propose_from_outside(self.ours.context, 0, GATEWAY, proposal)

    def hear(self, proposal: bytes) -> bytes:
        received = self.ours.process(proposal, at=None)
        assert isinstance(received, ReceivedProposal)
        return received.pending.reference

    def told(self, proposal: bytes) -> tuple[Any, bytes]:
        """Give a proposal to both; each answers with a commit of its own."""
        several = Writer().opaque(proposal).bytes()
        append = davey.ProposalsOperationType.append
        by_openmls = self.openmls.process_proposals(append, several, list(EVERYBODY))
        by_mlspp = self.mlspp.process_proposals(b"\x00" + several, set(map(str, EVERYBODY)))
        assert isinstance(by_mlspp, bytes)
        return by_openmls, by_mlspp

    def follow(self, commit: bytes) -> ReceivedCommit:
        """Let all three follow a commit that one of the others made."""
        received = self.ours.process(commit, at=None)
        assert isinstance(received, ReceivedCommit)
        self.ours.merge_received(received)
        self.openmls.process_commit(commit)
        assert isinstance(self.mlspp.process_commit(commit), dict)
        return received

    @property
    def authenticators(self) -> set[bytes]:
        theirs = self.openmls.get_epoch_authenticator(), self.mlspp.get_last_epoch_authenticator()
        return {self.ours.epoch_authenticator, *theirs}


def test_a_group_of_three_kinds() -> None:
    """Both others join by our Welcome, into the same epoch."""
    assert len(Call.begin().authenticators) == 1


def test_each_of_them_commits() -> None:
    """We follow a commit of either, join by a Welcome of either, and all stay together."""
    call = Call.begin()
    late = make_key_package(SUITE, leaf(4), 0, 2**64 - 1)

    add = call.proposed(Add(late.key_package))
    call.hear(add)
    by_openmls, _ = call.told(add)
    received = call.follow(by_openmls.commit)
    assert len(call.authenticators) == 1
    assert received.change.committer == 1
    welcome = MLSMessage(Welcome.decode(by_openmls.welcome)).encode()
    joined = Group.join(MemoryGroupStore(), welcome, late)
    assert joined.epoch_authenticator == call.ours.epoch_authenticator

    remove = call.proposed(Remove(joined.own_index))
    call.hear(remove)
    joined.process(remove, at=None)
    _, by_mlspp = call.told(remove)
    commit = MLSMessage.decode_from(Reader(by_mlspp)).encode()
    received = call.follow(commit)
    assert len(call.authenticators) == 1
    assert received.change.committer == 2
    assert received.change.removed[0][0] == joined.own_index
    end = joined.process(commit, at=None)
    assert isinstance(end, ReceivedCommit)
    assert end.removes_me


def test_they_follow_our_commit() -> None:
    """Our commit of a proposal from outside, with a path, carries both along."""
    call = Call.begin()
    late = make_key_package(SUITE, leaf(4), 0, 2**64 - 1)

    add = call.proposed(Add(late.key_package))
    reference = call.hear(add)
    call.told(add)
    commit = call.ours.stage_commit(references=[reference], force_path=True).commit
    call.ours.merge()
    call.openmls.process_commit(commit)

    assert isinstance(call.mlspp.process_commit(commit), dict)
    assert len(call.authenticators) == 1
