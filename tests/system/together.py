"""Tests of one file that are carried out at the same time: a run mostly waits for fio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Facts(dict[str, Callable[[Any], None]]):
    """The checks of a file by name: `fact = Facts()`, and `@fact` on each function.

    Each takes a program of its own.  The file ends in the test that waits for them:

        @pytest.mark.parametrize("name", fact)
        def test_that(name, facts):
            facts[name].result()
    """

    def __call__(self, check: Callable[[Any], None]) -> Callable[[Any], None]:
        self[check.__name__] = check
        return check
