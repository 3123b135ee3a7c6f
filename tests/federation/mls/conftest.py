"""The official MLS vectors, found beside the repository."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yurt.mls.cipher_suite import SUITES, CipherSuite, cipher_suite

Vectors = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def vectors() -> Vectors:
    """Load a file of official vectors by its name; skip where the shared folder is missing."""
    roots = [parent / "shared" / "vectors" / "mls" for parent in Path(__file__).resolve().parents]
    found = next((root for root in roots if root.is_dir()), None)

    def load(name: str) -> list[dict[str, Any]]:
        if found is None:
            pytest.skip("no shared/vectors/mls folder beside the repository")
        cases: list[dict[str, Any]] = json.loads((found / f"{name}.json").read_text())
        return cases

    return load


@pytest.fixture(scope="session", params=sorted(SUITES), ids="suite-{}".format)
def suite(request: pytest.FixtureRequest) -> CipherSuite:
    """Each cipher suite of RFC 9420 in turn."""
    return cipher_suite(request.param)


@pytest.fixture(scope="session")
def of_suite(vectors: Vectors, suite: CipherSuite) -> Vectors:
    """Load the cases of one suite of a file."""
    return lambda name: [case for case in vectors(name) if case["cipher_suite"] == suite.value]


@pytest.fixture(scope="session")
def suite_1(vectors: Vectors) -> Vectors:
    """Load the cases of suite 1 of a file."""
    return lambda name: [case for case in vectors(name) if case["cipher_suite"] == 1]
