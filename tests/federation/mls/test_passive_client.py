from collections.abc import Callable
from typing import Any

import pytest

from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.commit import Commit, ProposalRef
from yurt.mls.errors import ProposalByReferenceUnsupported, Unsupported
from yurt.mls.framing import MLSMessage, PublicMessage
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.joining import open_welcome
from yurt.mls.key_package import KeyPackage
from yurt.mls.key_package_bundle import KeyPackageBundle
from yurt.mls.key_schedule import confirmation_tag
from yurt.mls.pre_shared_key import ExternalPSK, PreSharedKeyID
from yurt.mls.proposals import PreSharedKey
from yurt.mls.psk_secret import psk_secret
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.receiving import ReceivedCommit
from yurt.mls.welcome import Welcome

Case = dict[str, Any]
Load = Callable[[str], list[Case]]
SUITE = cipher_suite(1)
unhex = bytes.fromhex


def bundle_of(case: Case) -> KeyPackageBundle:
    return KeyPackageBundle(
        MLSMessage.decode(unhex(case["key_package"])).expect(KeyPackage),
        unhex(case["init_priv"]),
        unhex(case.get("encryption_priv", "")),
        unhex(case.get("signature_priv", "")),
    )


def join(case: Case, store: MemoryGroupStore) -> Group:
    psks = {unhex(psk["psk_id"]): unhex(psk["psk"]) for psk in case["external_psks"]}
    tree = case["ratchet_tree"] and RatchetTree.decode(SUITE, unhex(case["ratchet_tree"]))
    return Group.join(store, unhex(case["welcome"]), bundle_of(case), tree=tree, psks=psks)


def follow(group: Group, commit: bytes) -> None:
    received = group.process(commit, at=None)
    assert isinstance(received, ReceivedCommit)
    group.merge_received(received)


def needs(case: Case) -> set[str]:
    """Tell what of a case is outside what this package does today."""
    found: set[str] = set()
    for epoch in case["epochs"]:
        commit = MLSMessage.decode(unhex(epoch["commit"])).expect(PublicMessage).content.content
        assert isinstance(commit, Commit)
        for proposal in commit.proposals:
            if isinstance(proposal, ProposalRef):
                found.add("reference")
            elif isinstance(proposal, PreSharedKey):
                found.add("psk")
    return found


def test_official_welcome(suite_1: Load) -> None:
    """The vector's Welcome opens to a GroupInfo of its signer, with the right confirmation tag."""
    (case,) = suite_1("welcome")
    welcome = MLSMessage.decode(unhex(case["welcome"])).expect(Welcome)

    opened = open_welcome(welcome, bundle_of(case))

    info = opened.group_info
    info.verify_signature(SUITE, unhex(case["signer_pub"]))
    secrets = opened.entry.epoch_secrets(info.group_context.encode())
    transcript = info.group_context.confirmed_transcript_hash
    assert confirmation_tag(SUITE, secrets.confirmation_key, transcript) == info.confirmation_tag


def test_official_joins(suite_1: Load) -> None:
    """We join every vector's group, with its tree inside the Welcome or beside it."""
    cases = suite_1("passive-client-welcome")

    for case in cases:
        store = MemoryGroupStore()
        group = join(case, store)
        assert group.epoch_authenticator == unhex(case["initial_epoch_authenticator"])
        assert Group.load(store, group.group_id).epoch_authenticator == group.epoch_authenticator

    assert len(cases) == 8


def test_a_welcome_that_needs_an_unknown_key(suite_1: Load) -> None:
    """A Welcome with a pre-shared key that we do not have is refused by name."""
    cases = [case for case in suite_1("passive-client-welcome") if case["external_psks"]]

    for case in cases:
        with pytest.raises(Unsupported, match="pre-shared key"):
            join({**case, "external_psks": []}, MemoryGroupStore())

    assert len(cases) == 4


def test_official_psk_secrets(suite_1: Load) -> None:
    """Any number of pre-shared keys mixes to the standard's secret."""
    cases = suite_1("psk_secret")

    for case in cases:
        psks = [
            (
                PreSharedKeyID(ExternalPSK(unhex(psk["psk_id"])), unhex(psk["psk_nonce"])),
                unhex(psk["psk"]),
            )
            for psk in case["psks"]
        ]
        assert psk_secret(SUITE, psks) == unhex(case["psk_secret"])

    assert len(cases) == 11


def test_official_commits(suite_1: Load) -> None:
    """We follow the vectors' commits through their epochs; what we do not take is refused by name."""
    followed, refused, epochs = 0, {"reference": 0, "psk": 0}, 0

    for case in suite_1("passive-client-handling-commit"):
        store = MemoryGroupStore()
        group = join(case, store)
        assert group.epoch_authenticator == unhex(case["initial_epoch_authenticator"])
        beyond = needs(case)
        for epoch in case["epochs"]:
            try:
                follow(group, unhex(epoch["commit"]))
            except ProposalByReferenceUnsupported:
                assert "reference" in beyond
                refused["reference"] += 1
                break
            except Unsupported:
                assert "psk" in beyond
                refused["psk"] += 1
                break
            assert group.epoch_authenticator == unhex(epoch["epoch_authenticator"])
            group = Group.load(store, group.group_id)
            epochs += 1
        else:
            assert not beyond
            followed += 1

    assert (followed, refused, epochs) == (3, {"reference": 7, "psk": 3}, 16)
