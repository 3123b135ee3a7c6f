"""Problems over HTTP: who comes when it was told to come is not told to come again."""

import pytest

from yurt.node.http.problem_documents import problem_response
from yurt.wire.problems import Problem


@pytest.mark.parametrize(("wait_s", "header"), [(0.0, "1"), (0.4, "1"), (2.0, "2"), (2.3, "3"), (29.9, "30")])
def test_retry_after_is_never_too_early(wait_s: float, header: str) -> None:
    """The header has whole seconds: they are rounded up."""
    assert problem_response(Problem("tooMany", "later", retry_after=wait_s)).headers["Retry-After"] == header
