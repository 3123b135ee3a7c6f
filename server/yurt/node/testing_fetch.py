"""Other servers for tests, as a function says that they answer; nothing is sent anywhere.

fetch = FakeFetch(lambda url, headers: document(url, b"{}"))
"""

from collections.abc import Callable

from typing_extensions import override

from yurt.node.fetch import MAX_BODY, Fetched, FetchFailed, SafeFetch

Answering = Callable[[str, dict[str, str]], Fetched]
"""Answers a GET: its URL and its headers."""


class FakeFetch(SafeFetch):
    """Asks nobody, and notes what was asked for."""

    def __init__(self, answer: Answering) -> None:
        super().__init__(None)
        self.answer = answer
        self.asked: list[str] = []
        """URLs, in order."""

    @override
    async def get(
        self,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        limit: int = MAX_BODY,
        redirects: bool = True,
    ) -> Fetched:
        """Answer as the function does."""
        self.asked.append(url)
        return self.answer(url, headers or {})


def document(url: str, body: bytes) -> Fetched:
    """Answer with a document of ActivityPub."""
    return Fetched(url, 200, {"content-type": "application/activity+json"}, body)


def unreachable(url: str, _headers: dict[str, str]) -> Fetched:
    """Answer as a way out that leads nowhere.

    Raises:
        FetchFailed: always.
    """
    raise FetchFailed(url)
