"""Report and data card of a selection: from the manifest alone, and no stranger's text acts in them."""

from __future__ import annotations

import copy
import html
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from audited_texts import plain_core
from hypothesis import given
from hypothesis import strategies as st
from selection_example import select, write_logs

pytest.importorskip("sentence_transformers", reason="the encoder needs gristmill[audit]")
pytest.importorskip("faiss", reason="the index needs gristmill[audit]")

from pipeline.reports.prompts_page import FATE_MEANINGS, headline, prompts_card, prompts_page
from pipeline.selection.fates import FATES

Manifest = dict[str, Any]

HOSTILE = "</code></li><script>alert(1)</script><img src=x onerror='alert(2)'>\"&\u202e{{ 7 * 7 }}\x1b[2J\0"
VOID = frozenset({"meta", "rect", "circle", "polyline"})
LOADING = {"src", "srcset", "srcdoc", "xlink:href", "data", "poster", "action", "style"}


class Page(HTMLParser):
    """Tags with their attributes and all text; every tag is closed."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(written)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished selection; not to be changed."""
    home = tmp_path_factory.mktemp("selection")
    with pytest.MonkeyPatch.context() as patch:
        plain_core(patch)
        select(write_logs(home / "logs"), home / "out")
        yield home / "out"


@pytest.fixture
def manifest(out: Path) -> Manifest:
    found: Manifest = json.loads((out / "prompts.json").read_text(encoding="utf-8"))
    return found


# --- what they say -----------------------------------------------------------------------------


def test_both_are_made_of_the_manifest_alone(out: Path, manifest: Manifest) -> None:
    assert prompts_page(manifest) == (out / "report.html").read_text(encoding="utf-8")
    assert prompts_card(manifest) == (out / "README.md").read_text(encoding="utf-8")


def test_the_page_tells_every_fate_with_its_count(manifest: Manifest) -> None:
    assert tuple(FATE_MEANINGS) == FATES
    page = Page(prompts_page(manifest))
    assert headline(manifest) in page.text
    for fate, meaning in FATE_MEANINGS.items():
        assert meaning in page.text
        assert f"{fate}" in page.text
    for fate, reasons in manifest["reasons"].items():
        for reason, count in reasons.items():
            assert re.search(rf"{fate}\s+{re.escape(reason)}\s*:\s+{count}\b", page.text)
    for line in manifest["shortfalls"]:
        assert line in page.text
    assert "audited against the Golden Set" in " ".join(page.text.split())
    assert ("a", {"href": "audit/report.html"}) in page.tags
    assert manifest["pii"]["email"] == 2
    for kind in ("email", "table.json"):
        assert kind in page.text


def test_examples_are_of_their_fate_and_in_the_order_of_the_table(manifest: Manifest) -> None:
    page = prompts_page(manifest)
    summaries = re.findall(r"<summary><code>(\w+)</code>", page)
    assert list(dict.fromkeys(summaries)) == [fate for fate in FATE_MEANINGS if fate in summaries]
    for group in manifest["examples"]:
        assert 1 <= len(group["prompts"]) <= 3
        for one in group["prompts"]:
            assert html.escape(one["id"], quote=False) in page


def test_topics_come_by_size(manifest: Manifest) -> None:
    manifest["topics"] = [
        {"name": f"topic {at}", "pool": at % 50, "selected": 0, "golden": 0} for at in range(40)
    ]
    written = prompts_page(manifest)
    shown = re.findall(r">topic (\d+)<", written)
    assert [int(at) for at in shown] == list(range(39, 9, -1))
    assert "And 10 smaller ones" in Page(written).text


def test_without_golden_set_and_audit_it_says_so(manifest: Manifest) -> None:
    manifest["golden"] = {"prompts": 0, "version": None, "after": None, "sha256": None}
    manifest["audit"] = {"rounds": [0], "benchmarks": [], "folder": None}
    page = " ".join(Page(prompts_page(manifest)).text.split())
    assert "there is no Golden Set, and no benchmark was named" in page
    assert "Golden Set" not in headline(manifest)
    assert "## Golden Set" not in prompts_card(manifest)
    manifest["conversations"]["selected"] = 0
    assert "Nothing was audited: nothing is selected" in prompts_page(manifest)


def test_a_selection_of_nothing_has_a_page(tmp_path: Path, out: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    found = select([str(empty)], tmp_path / "out", ["golden.count=0"]).manifest
    page = Page((tmp_path / "out" / "report.html").read_text())
    assert "0 of 0 conversations selected" in page.text
    assert found["coverage"]["picks"] == found["map"] == []
    yaml.safe_load((tmp_path / "out" / "README.md").read_text().split("---")[1])


def test_the_card_counts_and_names_the_files(out: Path, manifest: Manifest) -> None:
    card = prompts_card(manifest)
    head = yaml.safe_load(card.split("---")[1])
    assert head["pretty_name"] == "prompts"
    for part in head["configs"]:
        assert (out / part["data_files"]).is_file()
    assert [part["config_name"] for part in head["configs"]] == ["default", "ledger"]
    for name, digest in manifest["files"].items():
        assert f"- `{name}` sha256 `{digest}`" in card
    for fate, count in manifest["conversations"].items():
        assert fate in ("read", "renamed") or f"| {fate} | {count:,} |" in card


@pytest.mark.heavy
def test_datasets_opens_the_output_as_it_stands(
    out: Path, tmp_path: Path, manifest: Manifest
) -> None:
    datasets = pytest.importorskip("datasets")
    cache = str(tmp_path / "cache")
    selected = datasets.load_dataset(str(out), split="train", cache_dir=cache)
    assert selected.num_rows == manifest["conversations"]["selected"]
    assert {turn["role"] for row in selected for turn in row["messages"]} == {"user", "assistant"}
    ledger = datasets.load_dataset(str(out), "ledger", split="train", cache_dir=cache)
    assert ledger.num_rows == manifest["conversations"]["read"]


# --- hostile texts -----------------------------------------------------------------------------


def hostile(value: Any, text: str) -> Any:
    """The same with a stranger's text wherever one may come from a log."""
    if isinstance(value, list):
        return [hostile(one, text) for one in value]
    if isinstance(value, dict):
        return {
            key: text if key in ("prompt", "id", "name") and isinstance(one, str)
            else hostile(one, text)
            for key, one in value.items()
        }  # fmt: skip
    return value


def attacked(manifest: Manifest, text: str) -> Manifest:
    found = copy.deepcopy(manifest)
    for key in ("examples", "topics"):
        found[key] = hostile(found[key], text)
    found["shortfalls"] = [text]
    found["inputs"] = {text: {"bytes": 1}}
    found["audit"]["benchmarks"] = [text, text]
    found["recipe"]["golden"]["tiers"] = [text]
    return found


def test_hostile_text_is_shown_and_does_nothing(manifest: Manifest) -> None:
    plain = Page(prompts_page(manifest))
    written = prompts_page(attacked(manifest, HOSTILE))
    page = Page(written)
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags}
    for tag, attributes in page.tags:
        assert tag not in ("script", "img", "iframe", "link", "object")
        assert not any(name.startswith("on") or name in LOADING for name in attributes)
    assert "{{ 7 * 7 }}" in page.text
    assert "<script>alert(1)</script>" in page.text
    examples = written.partition("Reasons, with examples")[2].partition("</section>")[0]
    assert not re.search("[\x00\x1b\u202e]", examples)
    assert "[U+202E]" in examples
    assert 'content="default-src' in written


@given(st.text(max_size=60))
def test_any_text_leaves_the_page_whole(text: str) -> None:
    shown = {
        "gristmill": "0", "recipe": {"name": "x", "select": {"count": 1}},
        "rows": {"read": 1, "used": 1, "quarantined": 0, "reasons": {}},
        "conversations": {"read": 1, "renamed": 0, **dict.fromkeys(FATES, 0)},
        "reasons": {fate: {} for fate in FATES},
        "examples": [{"fate": "dropped", "reason": "a.b", "count": 1,
                      "prompts": [{"id": text, "prompt": text}]}],
        "intents": {"before": {}, "selected": {}, "golden": {}}, "pii": {}, "residue": {},
        "golden": {"prompts": 0, "version": None, "after": None, "sha256": None},
        "audit": {"rounds": [], "benchmarks": [], "folder": None},
        "topics": [{"name": text, "pool": 1, "selected": 0, "golden": 0}], "map": [],
        "coverage": {"picks": [], "selected": [], "random": []}, "shortfalls": [text],
    }  # fmt: skip
    page = Page(prompts_page(shown))
    assert page.text.count("dropped") >= 2
