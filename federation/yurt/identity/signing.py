"""Signatures of our own formats: Ed25519 over ``label || 0x00 || bytes`` (TRUST, Bytes).

The label says what is being said, so that no signature can be carried from one format to another.
Labels stand in `yurt.wire.registry`; they hold no zero byte, so the join is unambiguous.

    signature = sign(private, LABEL_CLAIM, claim)
    verify(public, LABEL_CLAIM, claim, signature)
"""

from typing import Final

from yurt.identity.errors import WrongSignature
from yurt.mls.signatures import ED25519

SIGNATURE_SIZE: Final = 64


def _labelled(label: bytes, data: bytes) -> bytes:
    return label + b"\0" + data


def sign(private: bytes, label: bytes, data: bytes) -> bytes:
    """Sign `data` for the purpose that `label` names.

    Args:
        private: The 32-byte Ed25519 seed.
        label: One of `yurt.wire.registry.LABELS`.
        data: What is said.

    Returns:
        64 bytes.
    """
    return ED25519.sign(private, _labelled(label, data))


def verify(
    public: bytes, label: bytes, data: bytes, signature: bytes, *, rule: str = "wrongSignature"
) -> None:
    """Check a signature, strictly: no small-order or non-canonical key, no non-canonical S.

    Args:
        public: The 32-byte Ed25519 key that should have signed.
        label: The purpose it must have been made for.
        data: What is said.
        signature: 64 bytes.
        rule: The code that the error carries.

    Raises:
        WrongSignature: It does not fit.
    """
    if not ED25519.verify(public, _labelled(label, data), signature):
        raise WrongSignature(rule, f"a signature does not fit its key ({label.decode('ascii', 'replace')})")
