"""Recordings of real servers, found beside the repository, and keys of people who do not exist."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from yurt.activitypub.http_signatures.keys import PublicKey, read_pem
from yurt.activitypub.http_signatures.request import InboundRequest

Raw = Callable[[str], dict[str, Any]]
Post = Callable[[str], tuple[InboundRequest, int]]
Document = Callable[[str], tuple[bytes, str, str]]


def inbound(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> InboundRequest:
    """What the receiver at `url` sees of a request."""
    parts = urlsplit(url)
    return InboundRequest(method, parts.netloc, parts.path, parts.query or None, tuple(headers.items()), body)


@pytest.fixture(scope="session")
def raw() -> Raw:
    """Load a recording by its name; skip where the shared folder is missing."""
    roots = [parent / "shared" / "vectors" / "wire" for parent in Path(__file__).resolve().parents]
    found = next((root for root in roots if root.is_dir()), None)

    def load(name: str) -> dict[str, Any]:
        if found is None:
            pytest.skip("no shared/vectors/wire folder beside the repository")
        data: dict[str, Any] = json.loads((found / f"{name}.json").read_text())
        return data

    return load


@pytest.fixture(scope="session")
def post(raw: Raw) -> Post:
    """A recorded request as its receiver sees it, and when it was."""

    def load(name: str) -> tuple[InboundRequest, int]:
        data = raw(name)
        headers = dict(data["req_headers"])
        return inbound(data["method"], data["url"], headers, data["req_body"].encode()), int(data["t"])

    return load


@pytest.fixture(scope="session")
def document(raw: Raw) -> Document:
    """A recorded answer: body, content type, URL."""

    def load(name: str) -> tuple[bytes, str, str]:
        data = raw(name)
        types = [value for key, value in data["resp_headers"] if key.lower() == "content-type"]
        return data["resp_body"].encode(), types[0], data["url"]

    return load


@pytest.fixture(scope="session")
def recorded_keys(document: Document) -> dict[str, PublicKey]:
    """The keys of the recorded servers, by key id."""
    keys: dict[str, PublicKey] = {}
    for name in ("gts-get-actor", "snac-get-actor", "fedify-get-actor"):
        key = json.loads(document(name)[0])["publicKey"]
        keys[key["id"]] = read_pem(key["publicKeyPem"])
    return keys


@pytest.fixture(scope="session")
def ana_key() -> RSAPrivateKey:
    """Ana's actor key."""
    return generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def node_key() -> Ed25519PrivateKey:
    """The Ed25519 key of Ana's node."""
    return Ed25519PrivateKey.from_private_bytes(bytes([11]) * 32)


@pytest.fixture
def receive() -> Callable[[str, str, Mapping[str, str], bytes], InboundRequest]:
    """Turn what was sent into what the receiver sees."""
    return inbound
