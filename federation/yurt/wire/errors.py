"""What the gate refuses.

::

    GateError       the sender's fault; answered, never a traceback

Our own mistakes with the wire formats are plain `KeyError` or `TypeError`: nobody answers them.
"""

from yurt.wire.problems import ProblemError, refuse


class GateError(Exception):
    """These bytes are not read.

    ``rule`` is one of ``tooLarge``, ``malformed``, ``notUtf8``, ``trailingData``, ``tooDeep``,
    ``tooManyKeys``, ``tooManyValues``, ``duplicateKey``, ``keyType``, ``numberRange``, ``notFinite``,
    ``nul``, ``surrogate``, ``extension`` and ``shape``.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return 413 if self.rule == "tooLarge" else 400

    def as_problem(self) -> ProblemError:
        """The answer, in the words of `yurt.wire.problems`."""
        code = "tooLarge" if self.rule == "tooLarge" else "badRequest"
        return refuse(code, str(self), rule=self.rule)
