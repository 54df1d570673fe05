"""Text to plain values with lines; what is not a single plain mapping is refused."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.jobfile.source import MAX_BYTES, NotReadableError, read_source


def faults_of(text):
    with pytest.raises(NotReadableError) as caught:
        read_source(text)
    return caught.value.faults


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("1:30", "1:30"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("1.10", "1.10"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
        ("true", True),
        ("False", False),
        ("'true'", "true"),
        ("null", None),
        ("~", None),
        ("", None),
        ("''", ""),
        ("'null'", "null"),
    ],
)
def test_a_value_is_what_was_written(written, value):
    assert read_source(f"key: {written}\n").top == {"key": value}


def test_every_key_and_element_knows_its_line():
    source = read_source("a: 1\nb:\n  - x\n  -\n    c: 2\n")
    assert source.line(("a",)) == 1
    assert source.line(("b", 0)) == 3
    assert source.line(("b", 1, "c")) == 5


def test_a_key_that_is_not_there_has_the_line_of_what_is_above():
    source = read_source("\n\na: 1\nb:\n  c: 2\n")
    assert source.line(("b", "missing")) == 4
    assert source.line(("missing",)) == 3


def test_a_key_that_stands_twice_is_a_fault_with_both_lines():
    source = read_source("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert source.top == {"a": "1", "b": {"c": "1"}}
    assert source.faults == (
        "line 2: key 'c' stands twice, first on line 2",
        "line 3: key 'a' stands twice, first on line 1",
    )


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "~\n", "\ufeff"])
def test_an_empty_file_is_refused(text):
    assert faults_of(text) == ["line 1: the file is empty; name, target and workloads are needed"]


@pytest.mark.parametrize("text", ["- a\n", "words\n", "[1, 2]", "12"])
def test_what_is_no_mapping_is_refused(text):
    assert faults_of(text) == ["line 1: the file must be a mapping of keys such as `name: nightly`"]


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\ta: 1", "a: 'x", "%x\n", "a: @b", "}"])
def test_what_is_no_yaml_is_refused_with_its_line(text):
    (fault,) = faults_of(f"ok: 1\n{text}\n")
    assert fault.startswith("line ")
    assert "not YAML" in fault


def test_an_alias_bomb_is_refused_before_it_grows():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    faults = faults_of("\n".join(lines))
    assert faults[0] == "line 2: aliases (*a0) are not read; repeat the value"


def test_an_alias_to_itself_is_refused():
    assert "aliases" in faults_of("a: &a [*a]\n")[0]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_a_deep_file_is_refused(opening):
    (fault,) = faults_of("a:\n  " + opening * 5000)
    assert "more than 20 levels deep" in fault


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system [x]", "!!binary eA==", "!x y"])
def test_a_tag_is_refused(tag):
    assert "tags (" in faults_of(f"a: {tag}\n")[0]


def test_a_second_document_is_refused():
    assert faults_of("a: 1\n---\nb: 2\n") == [
        "line 2: a second document begins; one file is one job"
    ]


def test_a_key_that_is_no_word_is_refused():
    assert "line 2: a key must be a word" in faults_of("a: 1\n? [b]\n: 2\n")


@pytest.mark.parametrize(
    ("text", "name"), [("a\0b", "U+0000"), ("\x1b[31m", "U+001B"), ("\udc80", "U+DC80")]
)
def test_a_control_character_is_refused_with_its_line(text, name):
    assert faults_of(f"a: 1\nb: {text}\n") == [
        f"line 2: the file holds the control character {name}"
    ]


def test_a_file_of_10_mb_is_refused_at_once():
    started = time.perf_counter()
    faults = faults_of("a: b\n" * 2_000_000)
    assert time.perf_counter() - started < 1
    assert faults == [f"line 1: the file has 10000000 bytes; at most {MAX_BYTES} are read"]


def test_size_is_counted_in_bytes():
    assert "at most" in faults_of("a: " + "\N{EURO SIGN}" * (MAX_BYTES // 3))[0]


def faults_or_none(text):
    try:
        return read_source(text).faults
    except NotReadableError as error:
        return error.faults or ["without a word"]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    assert all(fault.startswith("line ") for fault in faults_or_none(text))


@given(st.text(alphabet="ab:[]{},-&*!|>'\"\n #?%@`~0", max_size=60))
def test_any_yaml_like_text_is_read_or_refused(text):
    assert all(fault.startswith("line ") for fault in faults_or_none(text))
