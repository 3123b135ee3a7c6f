from collections.abc import Callable
from typing import Any

from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.framed_content import AuthenticatedContent
from yurt.mls.transcript import confirmed_transcript_hash, interim_transcript_hash

Load = Callable[[str], list[dict[str, Any]]]
SUITE = cipher_suite(1)
unhex = bytes.fromhex


def test_official_transcript(suite_1: Load) -> None:
    """A commit moves both transcript hashes as the standard says."""
    cases = suite_1("transcript-hashes")

    for case in cases:
        commit = AuthenticatedContent.decode(unhex(case["authenticated_content"]))
        tag = commit.auth.confirmation_tag
        assert tag is not None
        before = unhex(case["interim_transcript_hash_before"])

        confirmed = confirmed_transcript_hash(SUITE, before, commit)

        assert confirmed == unhex(case["confirmed_transcript_hash_after"])
        assert interim_transcript_hash(SUITE, confirmed, tag) == unhex(case["interim_transcript_hash_after"])
        assert SUITE.hmac(unhex(case["confirmation_key"]), confirmed) == tag

    assert len(cases) == 1
