"""A signature holds for one purpose, one key and one text."""

import pytest

from yurt.identity.errors import WrongSignature
from yurt.identity.identity_key import IdentityKey
from yurt.identity.signing import sign, verify
from yurt.wire.registry import LABELS


@pytest.mark.parametrize("label", LABELS)
def test_no_label_stands_in_for_another(label: bytes, ana: IdentityKey) -> None:
    """What was signed for one purpose is refused for every other."""
    signature = sign(ana.private, label, b"said")

    verify(ana.public, label, b"said", signature)
    for other in set(LABELS) - {label}:
        with pytest.raises(WrongSignature):
            verify(ana.public, other, b"said", signature)


def test_label_and_text_cannot_flow_together(ana: IdentityKey) -> None:
    """The zero byte ends the label."""
    signature = sign(ana.private, b"yurt/claim/1", b"1said")

    with pytest.raises(WrongSignature):
        verify(ana.public, b"yurt/claim/11", b"said", signature)


def test_other_text_key_or_s(ana: IdentityKey, bo: IdentityKey) -> None:
    """One changed bit, another key, or S plus the group order: refused."""
    signature = ana.sign(LABELS[0], b"said")
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    for public, data, forged in (
        (ana.public, b"sad", signature),
        (bo.public, b"said", signature),
        (ana.public, b"said", signature[:32] + s.to_bytes(32, "little")),
        (ana.public, b"said", signature[:-1]),
        (ana.public, b"said", b""),
    ):
        with pytest.raises(WrongSignature) as caught:
            verify(public, LABELS[0], data, forged, rule="named")
        assert caught.value.rule == "named"
