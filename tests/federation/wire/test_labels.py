"""The registry: one meaning for each label and number."""

from itertools import permutations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yurt.wire import registry

ANA = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)


def labelled(label: bytes, message: bytes) -> bytes:
    """What is signed in formats of our own."""
    return label + b"\0" + message


def test_every_label_is_in_the_list() -> None:
    """A label that is not listed would escape the other tests."""
    named = {value for name, value in vars(registry).items() if name.startswith("LABEL_")}

    assert named == set(registry.LABELS)
    assert len(registry.LABELS) == len(set(registry.LABELS))


def test_no_label_begins_another() -> None:
    """With the zero byte behind them, no two labelled messages can be the same bytes."""
    for one, other in permutations(registry.LABELS, 2):
        assert not other.startswith(one)
        assert b"\0" not in one


def test_no_signature_holds_under_another_label() -> None:
    """A signature made for one purpose is worth nothing for any other."""
    for made in registry.LABELS:
        signature = ANA.sign(labelled(made, b"message"))
        for used in registry.LABELS:
            if used == made:
                ANA.public_key().verify(signature, labelled(used, b"message"))
            else:
                with pytest.raises(InvalidSignature):
                    ANA.public_key().verify(signature, labelled(used, b"message"))


def test_no_number_has_two_meanings() -> None:
    """Extension numbers are distinct and of the private range; kinds within a log are distinct."""
    extensions = [value for name, value in vars(registry).items() if name.endswith("_EXTENSION")]

    assert len(set(extensions)) == len(extensions) == 3
    assert all(0xF000 <= number <= 0xFFFF for number in extensions)
    for kinds in (registry.EntryKind, registry.InboxKind):
        assert len({kind.value for kind in kinds.__members__.values()}) == len(kinds.__members__)
