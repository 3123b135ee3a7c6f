"""``yurt timeline``: what people whom you follow have posted."""

import argparse
from typing import TYPE_CHECKING, Final

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi
from yurt.client.clock import local_time
from yurt.client.counted import counted
from yurt.client.errors import UsageError

if TYPE_CHECKING:
    from yurt.wire.post_commands import PostInfo

_MOST: Final = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("--count", type=int, default=20, metavar="N", help="how many posts, up to 200 (20)")
    parser.add_argument("--warned", action="store_true", help="show also what stands behind a warning")
    parser.add_argument("--before", type=int, default=0, metavar="N", help="only what is older than number N")


def run(args: argparse.Namespace, output: Output) -> int:
    """Show a page, the newest post last, where a terminal's reader looks."""
    if not 1 <= args.count <= _MOST or args.before < 0:
        raise UsageError(f"--count takes a number from 1 to {_MOST}, --before one from 0 up")
    from msgspec.structs import asdict

    from yurt.wire.post_commands import Timeline, TimelinePage

    async def work(engine: EngineApi) -> int:
        page = await engine.ask_node(Timeline(args.before, args.count), TimelinePage)
        for post in reversed(page.posts):
            output.show(asdict(post), post_lines(post, unfold=args.warned))
        if not page.posts:
            output.note(
                "No posts: `yurt follow NAME@NODE` brings theirs from then on; `yurt post TEXT` writes one."
            )
        return 0

    return with_engine(work)


def post_lines(post: "PostInfo", *, unfold: bool = False) -> str:
    """Say a post for people.

    Args:
        post: As the node tells it.
        unfold: Whether to show also what stands behind a warning.
    """
    when = f"{local_time(post.published):%Y-%m-%d %H:%M}"
    shown = f", boosted by {post.boosted_by}" if post.boosted_by else ""
    marks = [counted(post.likes, "like")] if post.likes else []
    marks += [counted(post.boosts, "boost")] if post.boosts else []
    marks += ["you asked to be told"] if post.notify else []
    marks += [post.visibility] if post.visibility != "public" else []
    head = f"{when}  {post.author}{shown}" + (f"  [{', '.join(marks)}]" if marks else "")
    warning = f"[{post.summary}]".split("\n") if post.summary else []
    text = post.text.split("\n")
    if warning and not unfold:
        text = ["(`yurt timeline --warned` shows it)"]
    answered = [f"in answer to {post.in_reply_to}"] if post.in_reply_to else []
    return "\n".join([head, *(f"  {line}" for line in (*answered, *warning, *text, post.id))])
