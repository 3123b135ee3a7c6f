"""What the `yurt` command may reach of the lab, each imported only when called."""


def demo(*, headless: bool, json: bool) -> int:
    """Play the first conversation on this machine; return the exit code.

    Args:
        headless: Never use the whole terminal. Until there is a full-screen client this changes nothing.
        json: Print one JSON object a line instead of sentences.
    """
    del headless
    import asyncio

    from yurt.lab.demo import run

    return asyncio.run(run(json=json))
