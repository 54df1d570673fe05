"""CSV files of plain numbers: what is read, and which line is at fault."""

import pytest

from storperf.plain.cases import parse_cases
from storperf.plain.rows import NumbersError
from storperf.plain.series import parse_history, parse_time_series
from storperf.plain.values import parse_pairs, parse_values


def lines(text):
    return [f"{line}\n" for line in text.split("|")]


@pytest.mark.parametrize(
    "text", ["1.5|2", "value|1.5|2", "|1.5||2|", "\ufeffvalue|1.5|2", "run,value|a,1.5|b,2"]
)
def test_one_value_a_line_needs_no_header(text):
    assert parse_values(lines(text), "A") == {"": [1.5, 2.0]}


def test_metrics_are_told_apart():
    text = "metric,value|iops,1|clat_p99,5|iops,2"
    assert parse_values(lines(text), "A") == {"iops": [1.0, 2.0], "clat_p99": [5.0]}


@pytest.mark.parametrize("text", ["1,2|3,4", "reference,candidate|1,2|3,4"])
def test_pairs_are_reference_and_candidate(text):
    assert parse_pairs(lines(text), "P") == {"": [(1.0, 2.0), (3.0, 4.0)]}


def test_columns_of_pairs_may_come_in_any_order():
    text = "candidate,metric,reference|2,m,1"
    assert parse_pairs(lines(text), "P") == {"m": [(1.0, 2.0)]}


CASES = "case,role,idx,value,prior_spread"


def test_case_has_baseline_candidate_and_pairs_in_the_order_of_their_index():
    text = (
        f"{CASES}|a,cand,2,22,0.02|a,base,1,11,0.02|a,base,0,10,0.02|a,cand,0,20,0.02"
        "|a,cand,1,21,0.02|a,fresh_base,2,32,0.02|a,fresh_base,1,31,0.02|b,cand,0,5,"
    )
    first, second = parse_cases(lines(text), "C")
    assert (first.name, first.baseline, first.candidates) == ("a", (10.0, 11.0), (20.0,))
    assert first.pairs == ((31.0, 21.0), (32.0, 22.0))
    assert (first.repeats, first.prior_spread) == ((), 0.02)
    assert (second.name, second.baseline, second.prior_spread) == ("b", (), None)


@pytest.mark.parametrize("bad", ["", "nan", "0", "-3", "inf", "NA"])
def test_value_that_is_no_measurement_spoils_its_own_case_alone(bad):
    text = f"{CASES}|a,base,0,{bad},|a,cand,0,5,|b,base,0,5,|b,cand,0,5,"
    first, second = parse_cases(lines(text), "F")
    assert (first.fault, first.baseline, first.candidates) == ("base 0", (), ())
    assert (second.fault, second.baseline, second.candidates) == ("", (5.0,), (5.0,))


def test_pairs_end_before_the_first_that_is_no_measurement():
    rows = [f"a,cand,{n},{n + 1},|a,fresh_base,{n},{n + 2}," for n in (1, 2, 4)]
    text = "|".join([CASES, "a,base,0,5,", "a,cand,0,5,", *rows, "a,cand,3,9,|a,fresh_base,3,nan,"])
    (case,) = parse_cases(lines(text), "F")
    assert (case.fault, case.pairs) == ("pair 3", ((3.0, 2.0), (4.0, 3.0)))
    (case,) = parse_cases(lines(f"{CASES}|a,base,0,5,|a,cand,0,5,|a,cand,1,0,|a,cand,2,5,"), "F")
    assert (case.fault, case.repeats) == ("cand 1", ())


def test_candidates_without_fresh_references_are_repeats():
    text = "case,role,idx,value|a,base,0,10|a,cand,0,20|a,cand,1,21|a,cand,2,22"
    (case,) = parse_cases(lines(text), "C")
    assert (case.pairs, case.repeats) == ((), (21.0, 22.0))


def test_series_keep_the_order_of_their_rows():
    text = "series,run,value|s,r9,1|t,r1,5|s,r3,-2"
    first, second = parse_history(lines(text), "H")
    assert (first.name, first.labels, first.values) == ("s", ("r9", "r3"), (1.0, -2.0))
    assert second.name == "t"


def test_missing_values_are_left_out_and_their_rows_keep_their_places():
    (series,) = parse_history(lines("run,value|a,1|b,|c,NaN|d,4|e,null"), "H")
    assert (series.labels, series.values, series.places, series.rows) == (
        ("a", "d"),
        (1.0, 4.0),
        (0, 3),
        5,
    )
    (series,) = parse_time_series(lines("t_s,value|1,nan|2,5"), "T")
    assert (series.labels, series.values) == (("2",), (5.0,))


def test_stalled_second_is_a_zero_and_no_fault():
    (series,) = parse_time_series(lines("t_s,value|1,0|2,5"), "T")
    assert series.values == (0.0, 5.0)


@pytest.mark.parametrize(
    ("parse", "text", "line", "words"),
    [
        (parse_values, "", 0, "empty"),
        (parse_values, "value", 0, "no value"),
        (parse_values, "1|zero", 2, "'zero' is no number"),
        (parse_values, "1|0", 2, "0 is not above zero"),
        (parse_values, "1|1_000", 2, "'1_000' is no number"),
        (parse_values, "1||-3", 3, "-3 is not above zero"),
        (parse_values, "value|nan", 2, "nan is not finite"),
        (parse_values, "nan|1", 1, "nan is not finite"),
        (parse_values, "1|inf", 2, "inf is not finite"),
        (parse_values, "1|1e101", 2, "too large"),
        (parse_values, "metric,value|iops,", 2, "the value is missing"),
        (parse_values, "metric,valeu|iops,1", 1, "the column value is missing"),
        (parse_pairs, "1,2|3", 2, "it has 1 columns of 2"),
        (parse_pairs, "reference,value|1,2", 1, "the column candidate is missing"),
        (parse_cases, "", 0, "empty"),
        (parse_cases, CASES, 0, "no case"),
        (parse_cases, f"{CASES}|a,new,0,1,", 2, "the role 'new' is none of base"),
        (parse_cases, f"{CASES}|a,base,-1,1,", 2, "the idx '-1'"),
        (parse_cases, f"{CASES}|a,base,²,1,", 2, "the idx '²'"),
        (parse_cases, f"{CASES}|a,base,0,1,|a,base,0,2,", 3, "was there already"),
        (parse_cases, f"{CASES}|a,base,0,1,2.4", 2, "2.4 % is 0.024"),
        (parse_cases, f"{CASES}|a,base,0,1,0.02|a,cand,0,1,0.03", 3, "was 0.02 before"),
        (parse_cases, "case,role,value|a,base,1", 1, "the column idx is missing"),
        (parse_history, "run,value|a,x", 2, "'x' is no number"),
        (parse_history, "run,value|a,inf", 2, "inf is not finite"),
        (parse_time_series, "t_s,value|2,nan|1,5", 3, "is not after 2"),
        (parse_time_series, "t_s,value|1,5|1,5", 3, "is not after 1"),
        (parse_time_series, "t_s,value|1,-5", 2, "below zero"),
        (parse_time_series, "t_s,value|x,5", 2, "'x' is no number"),
    ],
)
def test_fault_names_its_line(parse, text, line, words):
    with pytest.raises(NumbersError, match="F cannot be judged") as caught:
        parse(lines(text) if text else [], "F")
    assert caught.value.facts["lines"][0] == line
    assert words in caught.value.message
    assert not line or f"line {line}: " in caught.value.message


def test_all_faults_are_told_but_not_thousands():
    with pytest.raises(NumbersError) as caught:
        parse_values(lines("1|" + "|".join(["x"] * 100)), "F")
    assert len(caught.value.facts["lines"]) == 100
    assert caught.value.message.endswith("and 80 more")
