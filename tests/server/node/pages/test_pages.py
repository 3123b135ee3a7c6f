"""What a browser is shown, and that programs are still given documents."""

import asyncio
import json
import sys

import msgspec
import pytest
from aiohttp import ClientResponse

from yurt.node import commands
from yurt.node.config import load
from yurt.node.pages.negotiation import prefers_page
from yurt.node.testing import Town
from yurt.wire.post_commands import Post

HARBOUR = "harbour.example"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
MASTODON = (
    'application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams", '
    "text/html;q=0.1"
)
HOSTILE = "<script>alert(1)</script> \u202egpj.exe {{ 7*7 }} & \"'"
# Nothing fits into a script, a picture or a frame; the only style is ours.
POLICY_PARTS = ("default-src 'none'", "style-src 'sha256-", "form-action 'none'", "frame-ancestors 'none'")


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("text/*", True),
        (MASTODON, False),
        ("", False),
        ("*/*", False),
        ("application/activity+json", False),
        ("text/html;q=0", False),
        ("text/html;q=0.5, application/activity+json;q=0.5", False),
        ("text/html;q=nonsense", False),
        (",;,=;q", False),
        ("TEXT/HTML", True),
        ("a" * 100_000, False),
    ],
)
def test_browsers_want_pages_and_nodes_want_documents(accept: str, page: bool) -> None:  # noqa: FBT001  # a table
    """Whoever does not clearly prefer HTML gets the document."""
    assert prefers_page(accept) is page


async def look(town: Town, path: str, accept: str = BROWSER) -> tuple[ClientResponse, str]:
    async with town.session.get(f"https://{HARBOUR}{path}", headers={"Accept": accept}) as answer:
        return answer, await answer.text()


def assert_strict(answer: ClientResponse, text: str) -> None:
    """No script, no style but ours, nothing from elsewhere, no referrer, no guessing of types."""
    policy = answer.headers["Content-Security-Policy"]
    assert all(part in policy for part in POLICY_PARTS)
    assert "unsafe" not in policy
    assert answer.content_type == "text/html"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    lowered = text.lower()
    assert not any(
        mark in lowered for mark in ("<script", "javascript:", " onload", " style=", "src=", "@import")
    )


async def test_the_front_page_says_where_one_is(harbour: Town) -> None:
    """Its name, how many live there, and what the operator wrote, escaped."""
    config = load(harbour.folder / HARBOUR)
    await harbour.stop(HARBOUR)
    config = msgspec.structs.replace(config, about=HOSTILE, contact="ana <ana@x.example>")
    await harbour.start(HARBOUR, config)
    await harbour.join("ana", HARBOUR)

    answer, text = await look(harbour, "/")

    assert answer.status == 200
    assert_strict(answer, text)
    assert "One person lives" in text
    assert "&lt;script&gt;" in text
    assert "{{ 7*7 }}" in text  # shown, not run
    assert "ana &lt;ana@x.example&gt;" in text


async def test_a_profile_shows_public_posts_only(harbour: Town) -> None:
    """At the actor's own URL; what is for followers, or unlisted, is not there; markup is text."""
    ana = await harbour.join("ana", HARBOUR)
    for text, visibility in ((HOSTILE, "public"), ("only for followers", "followers"), ("quiet", "unlisted")):
        await ana.call(Post(text=text, visibility=visibility))

    answer, text = await look(harbour, "/users/ana")
    document, body = await look(harbour, "/users/ana", MASTODON)

    assert answer.status == 200
    assert_strict(answer, text)
    assert "&lt;script&gt;alert(1)" in text
    assert "@ana@harbour.example" in text
    assert ana.person.identity.did in text
    assert "only for followers" not in text
    assert "quiet" not in text
    assert json.loads(body)["preferredUsername"] == "ana"
    assert answer.headers["Vary"] == document.headers["Vary"] == "Accept"


async def test_who_was_never_here_and_who_is_gone(harbour: Town) -> None:
    """404 and 410, each a page; a suspended account is not shown."""
    await harbour.join("ana", HARBOUR)
    await harbour.join("bo", HARBOUR)
    data = harbour.folder / HARBOUR
    await asyncio.to_thread(commands.delete, data, "ana")
    await asyncio.to_thread(commands.suspend, data, "bo")

    found = {name: await look(harbour, f"/users/{name}") for name in ("ana", "bo", "carl")}

    assert {name: answer.status for name, (answer, _) in found.items()} == {
        "ana": 410,
        "bo": 404,
        "carl": 404,
    }
    for answer, text in found.values():
        assert_strict(answer, text)
    assert "was deleted" in found["ana"][1]


@pytest.mark.parametrize("path", ["/i/abc-DEF_1", "/j/abc-DEF_1"])
async def test_an_invite_tells_how_to_join_and_what_the_node_learns(harbour: Town, path: str) -> None:
    """The same page for every code, never the code itself, and for any client: it is for people."""
    answer, text = await look(harbour, path)
    other, same = await look(harbour, path[:3] + "another-code", "*/*")

    assert (answer.status, other.status) == (200, 200)
    assert text == same
    assert_strict(answer, text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "yurt join 'THE WHOLE LINK'" in text
    assert "What this node learns about you" in text
    assert "abc-DEF_1" not in text


async def test_errors_are_pages_for_browsers_and_problems_for_programs(harbour: Town) -> None:
    """The same status either way; what was asked for is never quoted."""
    for path in ("/nowhere/<b>", "/users/x/notes/00000000-0000-0000-0000-000000000000", "/records/notadid"):
        answer, text = await look(harbour, path)
        plain, body = await look(harbour, path, "*/*")

        assert answer.status == plain.status >= 400
        assert_strict(answer, text)
        assert "<b>" not in text
        assert plain.content_type == "application/problem+json"
        assert json.loads(body)["status"] == answer.status


async def test_a_node_without_visitors_does_not_carry_the_templates() -> None:
    """Importing a whole node imports no Jinja2."""
    program = "import sys, yurt.node.run; sys.exit('jinja2' in sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)

    assert await process.wait() == 0
