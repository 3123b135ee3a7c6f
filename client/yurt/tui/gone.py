"""Leaving when the terminal is gone: an app without one would live on, and spin on input that never comes.

The system tells only the foreground processes of a terminal that it goes away (SIGHUP); we tell ourselves
in the same way. A thread looks, because the event loop may hang by then: what it has drawn goes nowhere.
"""

import errno
import os
import signal
import sys
import termios
import threading
import time
from typing import Final

LOOK_S: Final = 2.0


def leave_with_terminal() -> None:
    """End this process soon after its terminal has gone away; the vault bears that at any moment."""
    threading.Thread(target=_look, name="is the terminal there", daemon=True).start()


def is_gone() -> bool:
    """Tell whether the terminal on the other side of standard input was closed."""
    try:
        termios.tcgetattr(sys.__stdin__ or 0)
    except (termios.error, ValueError, OSError) as error:
        return bool(error.args[0] == errno.EIO)
    return False


def _look() -> None:
    while not is_gone():
        time.sleep(LOOK_S)
    os.kill(os.getpid(), signal.SIGHUP)
