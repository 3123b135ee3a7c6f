"""``yurt post TEXT``: post something, or take a post back."""

import argparse
import os
import re
from typing import Final

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi
from yurt.client.errors import UsageError

_UNIQUE_SIZE: Final = 16
_NAMED: Final = re.compile(r"@[\w.-]+@[\w.-]+")
_WHO_READS: Final = {
    "followers": "your followers read it",
    "unlisted": "anybody may read it, no list shows it",
    "public": "anybody may read it",
    "direct": "whom it names may read it: also the operators of their nodes and of yours",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("text", metavar="TEXT", nargs="?", help="what to say; @name@node names somebody")
    what.add_argument("--delete", metavar="POST", help="take back a post of yours, named by its URL")
    parser.add_argument(
        "--for",
        dest="visibility",
        choices=("followers", "public", "unlisted", "direct"),
        default="followers",
        help="who may see it (followers; direct: only whom it names)",
    )
    parser.add_argument("--reply-to", metavar="POST", default="", help="the post that is answered, its URL")
    parser.add_argument("--warning", metavar="TEXT", default="", help="shown instead, until asked for")


def run(args: argparse.Namespace, output: Output) -> int:
    """Post; it is on its way to everybody whom it is for when this returns."""
    from yurt.wire.command import Done
    from yurt.wire.post_commands import Delete, Post, Posted

    if args.text is not None:
        _check(args.text, args.visibility)

    async def work(engine: EngineApi) -> int:
        if args.delete:
            await engine.ask_node(Delete(args.delete), Done)
            output.show({"post": args.delete, "state": "deleted"}, "The post is taken back.")
            return 0
        command = Post(
            text=args.text,
            visibility=args.visibility,
            in_reply_to=args.reply_to,
            summary=args.warning,
            unique=os.urandom(_UNIQUE_SIZE),
        )
        posted = await engine.ask_node(command, Posted)
        output.show({"post": posted.id, "for": args.visibility}, posted.id)
        output.confirm(await _who_reads(engine, args.visibility))
        return 0

    return with_engine(work)


def _check(text: str, visibility: str) -> None:
    if not text.strip():
        raise UsageError("there is nothing to post: give a TEXT")
    if visibility == "direct" and not _NAMED.search(text):
        raise UsageError("a direct post is for whom it names, and this names nobody: write @name@node")


async def _who_reads(engine: EngineApi, visibility: str) -> str:
    if visibility == "followers" and not await engine.followers():
        return "Posted; nobody follows you yet, so nobody reads it. Tell people your address."
    return f"Posted; {_WHO_READS[visibility]}."
