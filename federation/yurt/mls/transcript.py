"""The running hash over all commits of a group (RFC 9420, 8.2).

The confirmed hash covers a commit up to its signature, so that the next epoch's keys can depend on it;
the interim hash adds the confirmation tag, which those keys give.

    confirmed = confirmed_transcript_hash(suite, interim_before, content)
    interim = interim_transcript_hash(suite, confirmed, content.auth.confirmation_tag)
"""

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Writer
from yurt.mls.framed_content import AuthenticatedContent


def confirmed_transcript_hash(
    suite: CipherSuite, interim_before: bytes, commit: AuthenticatedContent
) -> bytes:
    """Hash a commit onto the interim hash of the epoch it ends; that is empty before epoch 0's commit."""
    w = Writer().raw(interim_before).u16(commit.wire_format)
    commit.content.encode_to(w)
    return suite.hash(w.opaque(commit.auth.signature).bytes())


def interim_transcript_hash(suite: CipherSuite, confirmed: bytes, confirmation_tag: bytes) -> bytes:
    """Hash a commit's confirmation tag onto the confirmed hash."""
    return suite.hash(Writer().raw(confirmed).opaque(confirmation_tag).bytes())
