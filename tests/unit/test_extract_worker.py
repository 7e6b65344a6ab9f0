"""The specification of an extraction, and the same outcome in a child and in this process."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator

import pytest

from pipeline.core.errors import ConfigError, RunError
from pipeline.core.records import Locator, RawRecord
from pipeline.extract import Extraction, ExtractWorker, InlineExtractor, Limits, Prescreen

PARAGRAPH = "<p>The mill stands by the river and has ground the corn of four villages.</p>"
GERMAN = "<p>Die Mühle steht am Fluss und mahlt seit vielen Jahren das Korn von vier Dörfern.</p>"
EXTRACTION = Extraction(
    options={"favor_precision": True},
    prescreen=Prescreen(("en",)),
    limits=Limits(max_html=100_000, max_text=5_000),
)


def record(body: str, charset: str = "utf-8", **meta: str) -> RawRecord:
    html = f"<html><body><article>{body}</article></body></html>"
    return RawRecord(
        "id", "http://mill.test/", Locator("a", 0, 1), html.encode(charset), dict(meta)
    )


RECORDS = {
    "text": record(PARAGRAPH * 3),
    "charset": record("<p>Mühlen, die am Fluße stehen: a café by the mill, naïve</p>", "latin-1"),
    "http": record(PARAGRAPH + "<p>café</p>", "cp1252", http_charset="windows-1252"),
    "german": record(GERMAN * 3),
    "empty": record(""),
    "long": record("".join(f"<p>{n} {PARAGRAPH[3:-4]}</p>" for n in range(200))),
    "large": record("<!-- x -->" * 20_000),
}


@pytest.fixture(scope="module")
def worker() -> Iterator[ExtractWorker]:
    with ExtractWorker(EXTRACTION) as started:
        yield started


@pytest.mark.parametrize("name", RECORDS)
def test_a_child_gives_what_this_process_gives(worker: ExtractWorker, name: str) -> None:
    with InlineExtractor(EXTRACTION) as inline:
        assert worker.extract(RECORDS[name]) == inline.extract(RECORDS[name])


def test_outcomes(worker: ExtractWorker) -> None:
    kept = worker.extract(RECORDS["text"])
    assert kept.verdict is None
    assert "four villages" in str(kept.text)
    assert kept.charset == "utf-8"
    assert kept.cpu_ms >= 0

    reasons = {}
    for name in ("german", "empty", "long", "large"):
        extracted = worker.extract(RECORDS[name])
        assert extracted.text is None
        assert extracted.verdict is not None
        assert not extracted.verdict.keep
        reasons[name] = extracted.verdict.reason, extracted.verdict.bound
    assert reasons == {
        "german": ("prescreen.score.low", 0.01),
        "empty": ("extract.characters.low", 1.0),
        "long": ("extract.characters.high", 5_000.0),
        "large": ("extract.html_bytes.high", 100_000.0),
    }


def test_outcomes_do_not_depend_on_what_came_before() -> None:
    records = [*RECORDS.values()] * 2
    outcomes = []
    for recycle in (3, 1000):
        extraction = Extraction(prescreen=Prescreen(("en",)), limits=Limits(recycle=recycle))
        with ExtractWorker(extraction) as worker:
            outcomes.append([worker.extract(one) for one in records])
    with ExtractWorker(Extraction(prescreen=Prescreen(("en",)))) as worker:
        outcomes.append([worker.extract(one) for one in reversed(records)][::-1])
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_a_closed_worker_may_be_used_again() -> None:
    worker = ExtractWorker(Extraction("resiliparse"))
    first = worker.extract(RECORDS["text"])
    worker.close()
    worker.close()
    assert worker.extract(RECORDS["text"]) == first
    worker.close()


def test_a_record_without_payload_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no payload"):
        InlineExtractor(Extraction()).extract(RawRecord("id", "", Locator("a", 0, 1)))


def test_a_missing_model_is_no_record_s_fault() -> None:
    from classifiers.language import LanguageIdentifier

    prescreen = Prescreen(("en",), model=LanguageIdentifier("/nowhere/lid.bin"))
    with (
        ExtractWorker(Extraction("resiliparse", prescreen=prescreen)) as worker,
        pytest.raises(RunError, match=r"/nowhere/lid\.bin"),
    ):
        worker.extract(RECORDS["text"])


def test_the_specification_travels() -> None:
    assert Extraction.from_json(json.loads(json.dumps(EXTRACTION.to_json()))) == EXTRACTION
    assert pickle.loads(pickle.dumps(EXTRACTION)) == EXTRACTION
    assert Extraction.from_json(json.loads(json.dumps(Extraction().to_json()))) == Extraction()


def test_parameters_name_all_the_outcome_depends_on() -> None:
    base = EXTRACTION.parameters()
    assert json.dumps(base)
    assert base["options"]["favor_precision"] is True
    others = [
        Extraction("trafilatura-fast"),
        Extraction(),
        Extraction(options={"favor_precision": True}),
        Extraction(prescreen=Prescreen(("en",))),
        Extraction(prescreen=Prescreen(("de",))),
        Extraction(limits=Limits(max_text=7)),
    ]
    assert len({json.dumps(one.parameters()) for one in [EXTRACTION, *others]}) == 7
    assert Extraction(limits=Limits(recycle=3)).parameters() == Extraction().parameters()


@pytest.mark.parametrize("limit", ["cpu_seconds", "wall_seconds", "memory", "max_html", "recycle"])
def test_limits_are_positive(limit: str) -> None:
    with pytest.raises(ConfigError, match=rf"limits\.{limit}"):
        Limits(**{limit: 0})
