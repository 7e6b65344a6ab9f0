"""Recipe text to plain values and lines: YAML 1.2's meaning, nothing unsafe, every place known."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import RecipeError, RecipeErrors
from pipeline.recipe.tree import dotted, parse_value, read_tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),  # Norwegian
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("12", 12),
        ("-3", -3),
        ("010", 10),
        ("0o17", 15),
        ("0xff", 255),
        ("1e5", 1e5),
        (".5", 0.5),
        ("1.", 1.0),
        ("-.inf", -math.inf),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"),
        ("'5'", "5"),
        ("=", "="),
        ("[no, de]", ["no", "de"]),
        ("{low: 1, high: null}", {"low": 1, "high": None}),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text, value):
    found = parse_value(text)
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_number():
    assert math.isnan(parse_value(".nan"))


def test_numeric_and_boolean_looking_keys_stay_text():
    assert parse_value("{no: 1, 5: 2, true: 3}") == {"no": 1, "5": 2, "true": 3}


def test_every_key_and_item_knows_its_line():
    tree = read_tree("a:\n  b: 1\n  c:\n    - x\n    - d: 2\n", "r.yaml")
    assert tree.value == {"a": {"b": 1, "c": ["x", {"d": 2}]}}
    assert tree.line(("a",)) == 1
    assert tree.line(("a", "b")) == 2
    assert tree.line(("a", "c", 0)) == 4
    assert tree.line(("a", "c", 1, "d")) == 5
    assert tree.line(("a", "c", 1, "d", "missing")) == 5


def test_keys_read_as_people_write_them():
    assert dotted(("filters", 3, "gopher_quality", "bounds")) == "filters.gopher_quality.bounds"
    assert dotted(("source", "paths", 0)) == "source.paths.0"
    assert dotted(()) == ""


def test_repeated_keys_are_all_reported_with_both_lines():
    text = "name: a\nkeep:\n  corpus: parquet\n  corpus: jsonl.zst\nname: b\n"
    with pytest.raises(RecipeErrors) as caught:
        read_tree(text, "r.yaml")
    assert str(caught.value).splitlines() == [
        "r.yaml:4: keep.corpus: given twice, first on line 3; keep one",
        "r.yaml:5: name: given twice, first on line 1; keep one",
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: [1, 2\n", 3, "expected ',' or ']'"),
        ("a: 1\n\tb: 2\n", 2, "tab"),
        ("a: &x 1\nb: *x\n", 1, "anchors"),
        ("a: 1\npaths: [*.warc.gz]\n", 2, "quote a value"),
        ("a: 1\nb: !!python/object/apply:os.system [true]\n", 2, "tag"),
        ("a: 1\nb: !mine 2\n", 2, "tag"),
        ("a: !!int five\n", 1, "invalid literal"),
        ("a: 1\n? [b]\n: 2\n", 2, "a key is text"),
        ("a: 1\n---\nb: 2\n", 2, "single document"),
        ("a: 1\nb: " + "[" * 40 + "]" * 40, 2, "nested"),
        ("a: " + "9" * 5000, 1, "limit"),
    ],
)
def test_what_recipes_do_not_have_is_refused_with_its_line(text, line, words):
    with pytest.raises(RecipeError) as caught:
        read_tree(text, "r.yaml")
    assert caught.value.line == line
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"r.yaml:{line}: ")


def test_control_characters_are_refused():
    with pytest.raises(RecipeError, match=r"r\.yaml: not a recipe"):
        read_tree("a: \x00", "r.yaml")


def test_an_empty_text_is_null():
    assert read_tree("# nothing\n", "r.yaml").value is None


PLAIN_TEXT = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | PLAIN_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PLAIN_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_reads_as_itself(value):
    text = json.dumps(value, ensure_ascii=False, indent=1)
    assert read_tree(text, "r.yaml").value == value


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"%@`#,?~\n\t 01.\x00é"), max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        tree = read_tree(text, "r.yaml")
    except (RecipeError, RecipeErrors) as error:
        assert str(error).startswith("r.yaml")  # noqa: PT017 - either outcome is right
    else:
        json.dumps(tree.value)
