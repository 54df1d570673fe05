"""Which exit code wins, and what each error says of itself."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest

from storperf import errors
from storperf.errors import PRECEDENCE, ExitCode, StorperfError, worst


def test_the_codes_are_what_the_manual_says():
    assert {code.name: code.value for code in ExitCode} == {
        "PASS": 0,
        "FAIL": 1,
        "USAGE": 2,
        "INCONCLUSIVE": 3,
        "INFRASTRUCTURE": 4,
        "BUG": 5,
        "CANCELLED": 130,
    }
    assert [int(code) for code in PRECEDENCE] == [130, 5, 2, 1, 4, 3, 0]


def test_of_any_two_the_one_that_stands_first_wins_in_any_order():
    for first, second in combinations(PRECEDENCE, 2):
        assert worst([first, second]) is worst([second, first]) is first


def test_of_all_together_the_cancel_wins():
    assert all(worst(codes) is ExitCode.CANCELLED for codes in permutations(ExitCode))


def test_a_pass_needs_that_nothing_else_happened():
    assert worst([ExitCode.PASS, ExitCode.PASS]) is ExitCode.PASS
    assert all(worst([ExitCode.PASS, code]) is code for code in ExitCode)


def test_nothing_at_all_is_no_pass():
    with pytest.raises(ValueError, match="nothing happened is not a pass"):
        worst([])


def test_every_error_has_a_code_of_its_own_kind_and_none_is_a_pass_or_a_fail():
    kinds = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, StorperfError)
    ]
    assert len(kinds) > 10
    for kind in kinds:
        assert kind.exit_code not in {ExitCode.PASS, ExitCode.FAIL, ExitCode.INCONCLUSIVE}
        assert 400 <= kind.http_status < 600
