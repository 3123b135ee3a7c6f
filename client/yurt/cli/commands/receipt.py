"""``yurt receipt``: what arrived after a move, against what was foretold."""

import argparse
from pathlib import Path

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi
from yurt.client.counted import lasting
from yurt.client.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("--retry", action="store_true", help="tell those once more who did not come")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write a page into this new file")


def run(args: argparse.Namespace, output: Output) -> int:
    """Show it."""

    async def work(engine: EngineApi) -> int:
        import msgspec

        from yurt.client.moving import receipt_page
        from yurt.client.moving.calls import AskReceipt, ReceiptView

        view = await engine.call(AskReceipt(retry=args.retry), ReceiptView)
        if args.html:
            _write(args.html, receipt_page.page(view))
            output.confirm(f"The page is in {args.html}.")
        if output.as_json:
            output.show(msgspec.to_builtins(view), "")
            return 0
        output.show({}, receipt_page.headline(view))
        for mark in view.marks:
            arrived = mark.arrived if mark.at else "still to come"
            output.show({}, f"  after {lasting(mark.after_s)}: {arrived}")
        for line in view.manual:
            output.show({}, f"  for you: {line}")
        for line in view.notes:
            output.show({}, f"  note: {line}")
        return 0

    return with_engine(work, caught_up=True)


def _write(path: Path, text: str) -> None:
    try:
        with path.expanduser().open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists already: name a new file") from None
    except OSError as error:
        raise UsageError(f"the receipt cannot be written to {path}: {error.strerror}") from None
