"""Results of a model: harness logs and tables, what names an item, and that no row goes uncounted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.items import Item
from audits.outcome.results import Results, read_results
from pipeline.core.errors import ConfigError, SourceError

DATE = "2026-03-01T10-00-00.123456"
QUESTIONS = [
    "Which bone of the forearm lies on the side of the thumb?",
    "How many chambers has the heart of a crocodile, and what joins them?",
    "Name the membrane that covers the lungs of mammals.",
]
STARS = ["What makes the tail of a comet point away?", "Why do planets not twinkle at night?"]
ITEMS = [
    *(Item("mmlu", f"anatomy/{n}", text, subject="anatomy") for n, text in enumerate(QUESTIONS)),
    *(Item("mmlu", f"high_school_astronomy/{n}", text, subject="high_school_astronomy")
      for n, text in enumerate(STARS)),
    *(Item("gsm8k", str(n), f"A miller has {n} sacks and sells half of them") for n in range(4)),
    *(Item("humaneval", str(n), f"Return the number plus {n}.", language="py") for n in range(3)),
    *(Item("mbpp", str(n), f"Write a function to add {n} to a list.") for n in (11, 12)),
]  # fmt: skip


def lines(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def sample(number: int, text: str | None = None, **fields: Any) -> dict[str, Any]:
    """A row as the harness writes it."""
    doc = {"question": text, "choices": ["a", "b"], "answer": 0}
    return {
        "doc_id": number, "target": "0", "arguments": {"gen_args_0": {"arg_0": "Q"}},
        "resps": [[["-1.5", "False"]]], "filtered_resps": [["-1.5", "False"]],
        **({} if text is None else {"doc": doc}), **fields,
    }  # fmt: skip


def log(folder: Path, task: str, rows: list[Any], date: str = DATE) -> Path:
    return lines(folder / f"samples_{task}_{date}.jsonl", rows)


def counted(found: Results) -> dict[str, int]:
    assert found.counts["read"] == sum(found.counts.values()) - found.counts["read"]
    return {reason: rows for reason, rows in found.counts.items() if reason != "read"}


# --- harness logs ------------------------------------------------------------------------------


def test_mmlu_by_subject_and_position(tmp_path: Path) -> None:
    log(tmp_path, "mmlu_anatomy", [sample(n, QUESTIONS[n], acc=float(n == 1)) for n in range(3)])
    log(tmp_path, "mmlu_high_school_astronomy", [sample(1, STARS[1], acc=1.0)])
    found = read_results(tmp_path, ITEMS)
    assert found.scores == {
        ("mmlu", "anatomy/0"): 0.0,
        ("mmlu", "anatomy/1"): 1.0,
        ("mmlu", "anatomy/2"): 0.0,
        ("mmlu", "high_school_astronomy/1"): 1.0,
    }
    assert found.subjects["mmlu", "anatomy/0"] == "anatomy"
    assert counted(found) == {"used": 4}
    assert found.notes == ("scores are acc (4 rows)",)


@pytest.mark.parametrize(
    "task",
    ["mmlu_anatomy", "mmlu_flan_n_shot_generative_anatomy", "mmlu_anatomy_generative",
     "mmlu_continuation_anatomy", "leaderboard_mmlu_anatomy"],
)  # fmt: skip
def test_variants_of_a_task_are_the_same_items(tmp_path: Path, task: str) -> None:
    path = log(tmp_path, task, [sample(2, QUESTIONS[2], exact_match=1.0)])
    assert read_results(path, ITEMS).scores == {("mmlu", "anatomy/2"): 1.0}


def test_a_subject_is_not_guessed_without_the_text(tmp_path: Path) -> None:
    rows = [sample(0, acc=1.0)]
    assert read_results(log(tmp_path / "a", "mmlu_anatomy", rows), ITEMS).counts["used"] == 1
    with pytest.raises(ConfigError, match="mmlu has no item position 0"):
        read_results(log(tmp_path / "b", "mmlu_pro_anatomy", rows), ITEMS)


def test_another_set_of_like_name_is_told_by_its_text(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        "mmlu_pro_anatomy",
        [
            sample(0, "A much harder question about nerves?", acc=1.0),
            sample(1, QUESTIONS[1], acc=1),
        ],
    )
    found = read_results(path, ITEMS)
    assert counted(found) == {"other-text": 1, "used": 1}
    assert "another text" in found.faults[0]
    assert found.faults[0].startswith(f"{path}:1: ")


def test_items_that_differ_in_a_sign_are_told_apart(tmp_path: Path) -> None:
    texts = [f"Complete the sequence and close all brackets: {signs}" for signs in ("[ (", "( [")]
    audited = [Item("bbh", f"dyck/{n}", text) for n, text in enumerate(texts)]
    rows = [sample(0, texts[1], acc=1), sample(1, texts[1] + " ", acc=1)]
    found = read_results(log(tmp_path, "bbh_cot_fewshot_dyck", rows), audited)
    assert counted(found) == {"other-text": 1, "used": 1}
    assert list(found.scores) == [("bbh", "dyck/1")]


def test_a_text_may_be_put_together_from_several(tmp_path: Path) -> None:
    doc = {"ctx_a": "A man opens the sluice.", "ctx_b": "then the wheel", "endings": ["turns"]}
    item = Item("hellaswag", "0", "A man opens the sluice. Then the wheel")
    path = log(tmp_path, "hellaswag", [{"doc_id": 0, "doc": doc, "acc": 1.0}])
    assert read_results(path, [item]).scores == {("hellaswag", "0"): 1.0}


@pytest.mark.parametrize(
    ("task", "language"),
    [("mgsm_direct_de", "de"), ("mgsm_en_cot_de", "de"), ("mgsm_en_cot_en", "en"),
     ("mgsm_direct_fr", "fr")],
)  # fmt: skip
def test_a_split_in_a_task_is_that_of_the_benchmark(
    tmp_path: Path, task: str, language: str
) -> None:
    given = {"en": "mgsm", "de": "mgsm:de", "fr": "mgsm:fr"}
    audited = [Item(name, "0", f"{code} Aufgabe Zahl vier") for code, name in given.items()]
    audited.append(Item("mgsm:en", "0", "en Aufgabe Zahl vier"))
    path = log(tmp_path, task, [sample(0, f"{language} Aufgabe: Zahl vier", exact_match=1)])
    assert list(read_results(path, audited).scores) == [(f"mgsm:{language}", "0")]


def test_another_language_or_split_is_not_the_default_one(tmp_path: Path) -> None:
    path = log(tmp_path, "mgsm_direct_sw", [sample(0, "quite another text", exact_match=1)])
    with pytest.raises(ConfigError, match="mgsm position 0 has another text"):
        read_results(path, [Item("mgsm", "0", "A text in English.")])
    path = log(tmp_path, "gsm8k", [sample(0, exact_match=1)])
    with pytest.raises(ConfigError, match="'gsm8k' names no benchmark of this audit"):
        read_results(path, [Item("gsm8k:train", "0", "A text.")])
    found = read_results(path, [Item("gsm8k:train", "0", "A text.")], benchmark="gsm8k:train")
    assert list(found.scores) == [("gsm8k:train", "0")]


@pytest.mark.parametrize(
    ("task", "subject"),
    [("minerva_math_num_theory", "number_theory"), ("hendrycks_math_precalc", "precalculus"),
     ("leaderboard_math_counting_and_prob_hard", "counting_and_probability"),
     ("minerva_math_algebra", "algebra"),
     ("minerva_math_intermediate_algebra", "intermediate_algebra")],
)  # fmt: skip
def test_subjects_may_be_shortened(tmp_path: Path, task: str, subject: str) -> None:
    subjects = ["algebra", "intermediate_algebra", "prealgebra", "number_theory", "precalculus",
                "counting_and_probability"]  # fmt: skip
    audited = [
        Item("math", f"{name}/0", f"A question of {name}", subject=name) for name in subjects
    ]
    path = log(tmp_path, task, [sample(0, f"A question of {subject}", exact_match=1)])
    assert list(read_results(path, audited).scores) == [("math", f"{subject}/0")]


def test_gsm8k_by_position_and_its_first_filter(tmp_path: Path) -> None:
    rows = [
        sample(n, ITEMS[5 + n].question, filter=name, metrics=["exact_match"], exact_match=score)
        for name, score in (("strict-match", 0.0), ("flexible-extract", 1.0))
        for n in range(4)
    ]
    path = log(tmp_path, "gsm8k", rows)
    found = read_results(path, ITEMS)
    assert set(found.scores.values()) == {0.0}
    assert counted(found) == {"used": 4, "other-filter": 4}
    assert "gsm8k: filter strict-match counts, not flexible-extract" in found.notes
    other = read_results(path, ITEMS, answer_filter="flexible-extract")
    assert set(other.scores.values()) == {1.0}
    with pytest.raises(ConfigError, match="filter 'strict-match', where 'nosuch' counts"):
        read_results(path, ITEMS, answer_filter="nosuch")


def test_old_logs_repeat_items_without_a_filter_and_the_first_counts(tmp_path: Path) -> None:
    rows = [sample(n, exact_match=score) for score in (0.0, 1.0) for n in range(4)]
    found = read_results(log(tmp_path, "gsm8k", rows), ITEMS)
    assert set(found.scores.values()) == {0.0}
    assert counted(found) == {"used": 4, "repeated": 4}
    assert "gsm8k item 0 has a result already" in found.faults[0]


@pytest.mark.parametrize("metric", ["pass@1", "pass_at_1"])
def test_code_by_task_id(tmp_path: Path, metric: str) -> None:
    docs = [{"task_id": f"HumanEval/{n}", "prompt": f"return the NUMBER plus {n}"} for n in (2, 0)]
    rows = [{"doc_id": 7, "doc": doc, metric: True} for doc in docs]
    log(tmp_path, "humaneval_instruct", rows)
    log(tmp_path, "mbpp", [
        {"doc_id": 0, "doc": {"task_id": 12, "text": ITEMS[-1].question}, metric: 0.0},
    ])  # fmt: skip
    found = read_results(tmp_path, ITEMS)
    assert found.scores == {
        ("humaneval", "2"): 1.0,
        ("humaneval", "0"): 1.0,
        ("mbpp", "12"): 0.0,
    }


def test_the_metric_is_known_single_or_named(tmp_path: Path) -> None:
    row = sample(0, acc=0.0, acc_norm=1.0, metrics=["acc", "acc_norm"])
    path = log(tmp_path / "a", "gsm8k", [row])
    assert list(read_results(path, ITEMS).scores.values()) == [0.0]
    assert list(read_results(path, ITEMS, metric="acc_norm").scores.values()) == [1.0]
    with pytest.raises(ConfigError, match="none of the metrics bleu; there are: acc, acc_norm"):
        read_results(path, ITEMS, metric="bleu")
    path = log(tmp_path / "b", "gsm8k", [sample(0, judged=0.25, metrics=["judged"])])
    assert list(read_results(path, ITEMS).scores.values()) == [0.25]
    path = log(tmp_path / "c", "gsm8k", [sample(0, f1=0.2, bleu=0.3, metrics=["f1", "bleu"])])
    with pytest.raises(ConfigError, match="has none of the metrics"):
        read_results(path, ITEMS)


def test_of_a_folder_the_newest_log_of_each_task(tmp_path: Path) -> None:
    log(tmp_path / "org__model", "gsm8k", [sample(0, exact_match=0)], "2025-01-01T00-00-00.1")
    log(tmp_path / "org__model", "gsm8k", [sample(0, exact_match=1)], "2026-01-01T00-00-00.1")
    (tmp_path / "org__model" / "results_2026-01-01T00-00-00.1.json").write_text("{}")
    found = read_results(tmp_path, ITEMS)
    assert found.scores == {("gsm8k", "0"): 1.0}
    assert "1 older logs" in found.notes[0]


def test_logs_of_two_models_are_refused(tmp_path: Path) -> None:
    for model in ("a", "b"):
        log(tmp_path / model, "gsm8k", [sample(0, exact_match=0)])
    with pytest.raises(ConfigError, match=r"more than one model.*/a, .*/b"):
        read_results(tmp_path, ITEMS)


# --- tables ------------------------------------------------------------------------------------


def test_csv_with_and_without_benchmark(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(
        "\ufeffbenchmark,item,correct,subject\n"
        "gsm8k,0,1,\ngsm8k,1,0,\nmmlu,anatomy/0,true,\nmmlu,1,False,anatomy\n"
        'humaneval,HumanEval/2,0.5,"a, b"\n',
        encoding="utf-8",
    )
    found = read_results(path, ITEMS)
    assert found.scores == {
        ("gsm8k", "0"): 1.0,
        ("gsm8k", "1"): 0.0,
        ("mmlu", "anatomy/0"): 1.0,
        ("mmlu", "anatomy/1"): 0.0,
        ("humaneval", "2"): 0.5,
    }
    assert found.subjects["humaneval", "2"] == "a, b"
    plain = tmp_path / "gsm8k.csv"
    plain.write_text("item,correct\n3,1\n", encoding="utf-8")
    assert read_results(plain, ITEMS).scores == {("gsm8k", "3"): 1.0}
    named = plain.rename(tmp_path / "run 7.csv")
    assert read_results(named, ITEMS, benchmark="gsm8k").scores == {("gsm8k", "3"): 1.0}


def test_a_benchmark_asked_for_is_that_of_every_row(tmp_path: Path) -> None:
    rows = [{"benchmark": name, "item": "0", "correct": 1} for name in ("humaneval", "gsm8k")]
    found = read_results(lines(tmp_path / "r.jsonl", rows), ITEMS, benchmark="gsm8k")
    assert counted(found) == {"used": 1, "unknown-benchmark": 1}
    assert "is of 'humaneval', where 'gsm8k' was asked for" in found.faults[0]
    audited = [*ITEMS, Item("gsm8k:train", "0", "A text.")]
    path = log(tmp_path, "gsm8k", [sample(0, exact_match=1)])
    assert list(read_results(path, audited).scores) == [("gsm8k", "0")]
    assert list(read_results(path, audited, benchmark="gsm8k:train").scores) == [
        ("gsm8k:train", "0")
    ]


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".parquet", ".tsv"])
def test_other_tables(tmp_path: Path, ending: str) -> None:
    rows = [{"item": "0", "correct": True}, {"item": "1", "correct": False}]
    path = tmp_path / f"gsm8k{ending}"
    if ending == ".parquet":
        pq.write_table(pa.table({"item": [0.0, 1.0], "correct": [1, 0]}), path)
    elif ending == ".tsv":
        path.write_text("id\tscore\n0\t1\n1\t0\n")
    elif ending == ".jsonl":
        lines(path, rows)
    else:
        path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    assert read_results(path, ITEMS).scores == {("gsm8k", "0"): 1.0, ("gsm8k", "1"): 0.0}


def test_every_bad_row_is_counted_and_named(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        "benchmark,item,correct\n"
        "gsm8k,0,1\n"  # 2
        "gsm8k,99,1\n"
        "gsm8,1,1\n"
        "gsm8k,0,0\n"
        "gsm8k,,1\n"
        "gsm8k,1,\n"
        "gsm8k,1,85.3\n"
        "gsm8k,1,nan\n"
        "gsm8k,1\n"  # 10
        "\n"
        'gsm8k,2,"0\n.5"\n'  # 12 and 13
        "gsm8k,2,yes\n",
        encoding="utf-8",
    )
    found = read_results(path, ITEMS)
    assert found.scores == {("gsm8k", "0"): 1.0}
    assert counted(found) == {
        "used": 1, "unknown-item": 1, "unknown-benchmark": 1, "repeated": 1, "no-item": 1,
        "no-score": 5, "unreadable": 1,
    }  # fmt: skip
    said = {fault.removeprefix(f"{path}:").split(":")[0]: fault for fault in found.faults}
    assert "gsm8k has no item 99; its items are named as '0'" in said["3"]
    assert "did you mean 'gsm8k'" in said["4"]
    assert "item is empty" in said["6"]
    assert "correct is empty" in said["7"]
    assert "'85.3', where true, false or 0 to 1 belongs" in said["8"]
    assert "has 2 fields, and the header 3" in said["10"]
    assert "yes" in said["14"]


def test_json_rows_that_are_none_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "gsm8k.jsonl"
    path.write_text(
        '{"item": 0, "correct": 1}\n{"item": true, "correct": 1}\n[1]\n{"item": 1, "correct": [1]}\n'
        '{"item": "2", "correct": null}\n{"correct": 1}\n{"item": "3"}\n',
        encoding="utf-8",
    )
    found = read_results(path, ITEMS)
    assert counted(found) == {
        "used": 1, "unreadable": 1, "no-score": 3, "no-item": 2,
    }  # fmt: skip
    assert any("7: has no column 'correct' (or score); there are: item" in f for f in found.faults)


def test_missing_columns_say_which_there_are(tmp_path: Path) -> None:
    path = tmp_path / "gsm8k.csv"
    path.write_text("question,right\n0,1\n")
    with pytest.raises(
        ConfigError, match=r"none of its 1 rows(.|\n)*csv:2: has no column 'item'"
    ) as e:
        read_results(path, ITEMS)
    assert "there are: question, right" in str(e.value)


def test_faults_are_few_and_act_on_nothing(tmp_path: Path) -> None:
    rows = [{"item": f"\x1b[2J\u202e{n}", "correct": 1} for n in range(50)]
    path = lines(tmp_path / "gsm8k.jsonl", [*rows, {"item": 0, "correct": 1}])
    found = read_results(path, ITEMS)
    assert counted(found) == {"unknown-item": 50, "used": 1}
    assert len(found.faults) == 5
    assert not any(sign in fault for fault in found.faults for sign in "\x1b\u202e")


def test_an_id_with_another_sets_name_is_not_stripped(tmp_path: Path) -> None:
    path = lines(tmp_path / "gsm8k.jsonl", [{"item": "svamp/0", "correct": 1}])
    with pytest.raises(ConfigError, match="no item svamp/0"):
        read_results(path, ITEMS)


@pytest.mark.parametrize(
    ("name", "data", "error", "message"),
    [
        ("none.csv", None, SourceError, "no such file"),
        ("r.xlsx", b"PK", ConfigError, r"results are read from .*\.csv"),
        ("r.json", b"[]", ConfigError, "results are read from"),
        ("r.csv", b"", ConfigError, "none of its 0 rows"),
        ("r.csv", b"item,item\n1,1\n", SourceError, "two columns have one name"),
        ("r.csv", b"item,correct\n\xff,1\n", SourceError, "is not UTF-8"),
        ("r.csv", b'item,correct\n1,"1" x\n', SourceError, "r.csv:2: "),
        ("r.jsonl.gz", b"plain", SourceError, "not what its ending says"),
        ("r.parquet", b"plain", SourceError, "not what its ending says"),
    ],
)
def test_inputs_that_cannot_be_read(
    tmp_path: Path, name: str, data: bytes | None, error: type[Exception], message: str
) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(error, match=message):
        read_results(path, ITEMS)


def test_an_empty_folder_and_an_unknown_benchmark(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no results in this folder"):
        read_results(tmp_path, ITEMS)
    path = lines(tmp_path / "x.jsonl", [{"item": 0, "correct": 1}])
    with pytest.raises(ConfigError, match="'gsm8'; did you mean 'gsm8k'"):
        read_results(path, ITEMS, benchmark="gsm8")
    with pytest.raises(ConfigError, match="'x' names no benchmark of this audit"):
        read_results(path, ITEMS)


def test_real_items_against_a_log_of_another_split(tmp_path: Path, shared_data: Path) -> None:
    def questions(split: str) -> list[str]:
        path = shared_data / "benchmarks" / "gsm8k" / f"{split}.jsonl"
        return [json.loads(line)["question"] for line in path.open(encoding="utf-8")]

    test, train = questions("test"), questions("train")[:1000]
    items = [Item("gsm8k", str(n), text) for n, text in enumerate(test)]
    right = [sample(n, text, exact_match=1.0) for n, text in enumerate(test)]
    assert counted(read_results(log(tmp_path / "a", "gsm8k_cot", right), items)) == {
        "used": len(test)
    }
    wrong = [sample(n, text, exact_match=1.0) for n, text in enumerate([*train, test[1000]])]
    found = read_results(log(tmp_path / "b", "gsm8k", wrong), items)
    assert counted(found) == {"other-text": len(train), "used": 1}
