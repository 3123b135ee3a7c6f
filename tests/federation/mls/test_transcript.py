from collections.abc import Callable
from typing import Any

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.framed_content import AuthenticatedContent
from yurt.mls.transcript import confirmed_transcript_hash, interim_transcript_hash

Load = Callable[[str], list[dict[str, Any]]]
unhex = bytes.fromhex


def test_official_transcript(suite: CipherSuite, of_suite: Load) -> None:
    """A commit moves both transcript hashes as the standard says."""
    cases = of_suite("transcript-hashes")

    for case in cases:
        commit = AuthenticatedContent.decode(unhex(case["authenticated_content"]))
        tag = commit.auth.confirmation_tag
        assert tag is not None
        before = unhex(case["interim_transcript_hash_before"])

        confirmed = confirmed_transcript_hash(suite, before, commit)

        assert confirmed == unhex(case["confirmed_transcript_hash_after"])
        assert interim_transcript_hash(suite, confirmed, tag) == unhex(case["interim_transcript_hash_after"])
        assert suite.hmac(unhex(case["confirmation_key"]), confirmed) == tag

    assert len(cases) == 1
