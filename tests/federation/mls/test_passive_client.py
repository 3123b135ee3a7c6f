"""The official vectors of a client that joins by a Welcome and follows whatever comes, in every suite."""

from collections.abc import Callable
from typing import Any

import pytest

from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.errors import UnknownPsk
from yurt.mls.framing import MLSMessage
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.joining import open_welcome
from yurt.mls.key_package import KeyPackage
from yurt.mls.key_package_bundle import KeyPackageBundle
from yurt.mls.key_schedule import confirmation_tag
from yurt.mls.pre_shared_key import ExternalPSK, PreSharedKeyID
from yurt.mls.psk_secret import psk_secret
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.receiving import ReceivedCommit, ReceivedProposal
from yurt.mls.welcome import Welcome

Case = dict[str, Any]
Load = Callable[[str], list[Case]]
unhex = bytes.fromhex


def bundle_of(case: Case) -> KeyPackageBundle:
    return KeyPackageBundle(
        MLSMessage.decode(unhex(case["key_package"])).expect(KeyPackage),
        unhex(case["init_priv"]),
        unhex(case.get("encryption_priv", "")),
        unhex(case.get("signature_priv", "")),
    )


def psks_of(case: Case) -> dict[bytes, bytes]:
    return {unhex(psk["psk_id"]): unhex(psk["psk"]) for psk in case["external_psks"]}


def join(case: Case, store: MemoryGroupStore) -> Group:
    suite = cipher_suite(case["cipher_suite"])
    tree = case["ratchet_tree"] and RatchetTree.decode(suite, unhex(case["ratchet_tree"]))
    return Group.join(store, unhex(case["welcome"]), bundle_of(case), tree=tree, psks=psks_of(case))


def test_official_welcome(of_suite: Load, suite: CipherSuite) -> None:
    """The vector's Welcome opens to a GroupInfo of its signer, with the right confirmation tag."""
    (case,) = of_suite("welcome")
    welcome = MLSMessage.decode(unhex(case["welcome"])).expect(Welcome)

    opened = open_welcome(welcome, bundle_of(case))

    info = opened.group_info
    info.verify_signature(suite, unhex(case["signer_pub"]))
    secrets = opened.entry.epoch_secrets(info.group_context.encode())
    transcript = info.group_context.confirmed_transcript_hash
    assert confirmation_tag(suite, secrets.confirmation_key, transcript) == info.confirmation_tag


def test_official_joins(of_suite: Load) -> None:
    """We join every vector's group, with its tree inside the Welcome or beside it."""
    cases = of_suite("passive-client-welcome")

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
        with pytest.raises(UnknownPsk):
            join({**case, "external_psks": []}, MemoryGroupStore())

    assert len(cases) == 4


def test_official_psk_secrets(of_suite: Load, suite: CipherSuite) -> None:
    """Any number of pre-shared keys mixes to the standard's secret."""
    cases = of_suite("psk_secret")

    for case in cases:
        psks = [
            (
                PreSharedKeyID(ExternalPSK(unhex(psk["psk_id"])), unhex(psk["psk_nonce"])),
                unhex(psk["psk"]),
            )
            for psk in case["psks"]
        ]
        assert psk_secret(suite, psks) == unhex(case["psk_secret"])

    assert len(cases) == 11


def test_official_commits(of_suite: Load) -> None:
    """We follow every vector's proposals and commits through all its epochs, restarting after each."""
    cases = of_suite("passive-client-handling-commit")
    epochs = proposals = 0

    for case in cases:
        store = MemoryGroupStore()
        group = join(case, store)
        assert group.epoch_authenticator == unhex(case["initial_epoch_authenticator"])
        for epoch in case["epochs"]:
            for message in epoch["proposals"]:
                assert isinstance(group.process(unhex(message), at=None), ReceivedProposal)
                group = Group.load(store, group.group_id)
                proposals += 1
            received = group.process(unhex(epoch["commit"]), at=None, psks=psks_of(case))
            assert isinstance(received, ReceivedCommit)
            group.merge_received(received)
            assert group.epoch_authenticator == unhex(epoch["epoch_authenticator"])
            group = Group.load(store, group.group_id)
            epochs += 1

    assert (len(cases), epochs, proposals) == (13, 26, 12)
