"""How often the checks of prompts and answers speak up on real ones, and on planted faults.

Real prompts are nearly all clean, so that what is flagged among them is read by eye (``--show``).
Faults of answers are planted by rule into real answers of people and models::

    python benchmarks/prompt_checks.py ../shared/data [--show 5]
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from language_sets import sets

from pipeline.prompts.cleaning.residue import clean_turn
from pipeline.prompts.cleaning.safety_tags import safety_of
from pipeline.prompts.cleaning.turn_checks import TurnChecks
from pipeline.prompts.conversation import USER, Conversation, Turn
from pipeline.prompts.scoring.response_quality import (
    WEIGHTS,
    ResponseSignals,
    response_signals_batch,
)

PROMPTS = (
    *("arenahard", "koala180", "oasst", "oasst_prompts", "dolly_3k", "tulu_eval", "mtbench80"),
    *("vicuna80", "selfinstruct252", "selfinstruct_seed", "ifeval", "mbpp_code", "humaneval"),
    *("clinc150", "banking77", "hwu64", "snips"),
)
TOXIC = 0.782786  # the shipped card's default threshold
SEED = 7
PLANTED = 1500  # answers, at most


def answers(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Source, prompt and answer."""
    for line in (folder / "tulu_eval" / "eval_instances_tulu_1.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        for completion in row["completions"]:
            yield completion["model"], row["prompt"], completion["completion"]
    for row in json.loads((folder / "dolly_3k" / "dolly_3k.json").read_text(encoding="utf-8")):
        yield "dolly_3k (people)", f"{row['instruction']}\n{row['input']}", row["output"]
    for line in (folder / "oasst_eval100" / "en_100_tree.jsonl").open(encoding="utf-8"):
        messages = [json.loads(line)["prompt"]]
        for message in messages:
            for reply in message.get("replies") or ():
                if reply["role"] == "assistant":
                    yield "oasst (people)", message["text"], reply["text"]
                messages.append(reply)


def flags(signals: ResponseSignals) -> list[str]:
    """Signals that are above zero."""
    return [name for name in WEIGHTS if float(getattr(signals, name) or 0.0) > 0]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--show", type=int, default=0, help="print so many of each flag and set")
    given = arguments.parse_args()
    _prompts(given.data, given.show)
    _foreign(given.data)
    _answers(given.data / "prompts", given.show)


def _prompts(data: Path, show: int) -> None:
    texts = sets(data)
    checks = TurnChecks(languages=("en",))
    print("Flags on real prompts, whose language is English as their makers say")
    for name in PROMPTS:
        conversations = [Conversation("", (Turn(USER, text.text),)) for text in texts[name]]
        counts: Counter[str] = Counter()
        seen: dict[str, list[str]] = defaultdict(list)
        verdicts = checks.check(conversations)
        safety = safety_of(conversations)
        for conversation, found, tagged in zip(conversations, verdicts, safety, strict=True):
            text = conversation.turns[0].text
            cleaned = clean_turn(text)
            toxic = ["toxic"] if tagged.highest_toxicity >= TOXIC else []
            for flag in (
                *(verdict.reason for verdict in found),
                *(f"residue {kind}" for kind in (*cleaned.removed, *cleaned.tags)),
                *(f"safety {kind}" for kind in tagged.kinds),
                *(f"discussed {t.kind}" for _, t in tagged.tags if t.discussed),
                *toxic,
            ):
                counts[flag] += 1
                seen[flag].append(text)
        print(f"{name:18} {len(conversations):7,}  {dict(counts.most_common())}")
        for flag, found_texts in seen.items():
            for text in found_texts[:show]:
                print(f"      {flag}: {text[:150]!r}")


def _foreign(data: Path) -> None:
    passages = [text for text in sets(data)["xquad_passages"] if text.language != "en"]
    checks = TurnChecks(languages=("en",))
    for title, form in (
        ("alone", "{}"),
        ("behind an English instruction", "Translate the following text into English:\n{}"),
        ("before an English question", "{}\n\nWhat is the main point of this text?"),
        ("quoted in an English question", 'What does this text say: "{}"'),
    ):
        talks = [
            Conversation("", (Turn(USER, form.format(one.text.replace('"', "'"))),))
            for one in passages
        ]
        dropped = sum(
            any(verdict.reason.startswith("language") for verdict in found)
            for found in checks.check(talks)
        )
        print(f"foreign passages {title}: {dropped:,} of {len(talks):,} dropped")


def _answers(folder: Path, show: int) -> None:
    rows = list(answers(folder))
    signals = response_signals_batch([row[1] for row in rows], [row[2] for row in rows])
    by_source: dict[str, list[ResponseSignals]] = defaultdict(list)
    for (source, prompt, answer), one in zip(rows, signals, strict=True):
        by_source[source].append(one)
        for flag in flags(one)[:1] if show else ():
            print(f"      {flag} {source}: {prompt[-50:]!r} -> {answer[:60]!r} … {answer[-60:]!r}")
    print("\nAnswers with each signal above 0, and the mean quality")
    for source, found in by_source.items():
        counts = Counter(flag for one in found for flag in flags(one))
        mean = np.mean([one.response_quality for one in found])
        print(f"{source:22} {len(found):6,}  {mean:.3f}  {dict(counts.most_common())}")
    rng = np.random.default_rng(SEED)
    whole = [
        (prompt, answer)
        for (_, prompt, answer), one in zip(rows, signals, strict=True)
        if not flags(one) and len(answer.split()) >= 40
    ]
    chosen = [whole[at] for at in rng.permutation(len(whole))[:PLANTED]]
    planted = {
        "cut off anywhere": [_cut(answer, rng) for _, answer in chosen],
        "cut off inside a code fence": [f"{answer}\n```python\nfor row in" for _, answer in chosen],
        "said three times": ["\n".join([answer] * 3) for _, answer in chosen],
        "another answer, refusing": ["I'm sorry, but I can't help with that."] * len(chosen),
    }
    print(f"\nFaults planted in {len(chosen):,} answers without a flag: share with a lower quality")
    for title, texts in planted.items():
        found = response_signals_batch([prompt for prompt, _ in chosen], texts)
        lower = np.mean([one.response_quality < 1 for one in found])
        mean = np.mean([one.response_quality for one in found])
        print(f"{title:30} {lower:.3f}  mean quality {mean:.3f}")


def _cut(answer: str, rng: np.random.Generator) -> str:
    """The answer up to a word between a half and its end that ends no sentence."""
    words = answer.split(" ")
    places = [at for at in range(len(words) // 2, len(words) - 1) if words[at][-1:].isalnum()]
    return " ".join(words[: places[int(rng.integers(len(places)))] + 1]) if places else answer


if __name__ == "__main__":
    main()
