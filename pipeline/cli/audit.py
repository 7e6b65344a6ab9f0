"""``gristmill audit``: benchmark items in a corpus, found, shown and compared."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.figures import line
from pipeline.cli.terminal import (
    DefaultGroup,
    OutPath,
    chosen_executor,
    console,
    examples,
    ray_options,
    say_quarantined,
)

if TYPE_CHECKING:
    from audits.settings import AuditSettings, Judge
    from pipeline.audit.plan import Audit
    from pipeline.audit.run import AuditResult

__all__ = ["audit"]

DEFAULT_OUT = "out/audit"
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(
    cls=DefaultGroup,
    default="run",
    epilog=examples(
        "gristmill audit out/crawl --benchmarks mmlu,gsm8k,humaneval",
        "gristmill audit sft.jsonl --benchmarks gsm8k --fail-on 'gsm8k>0.1%'",
        "gristmill audit benchmarks --benchmark-dir benchmarks",
        "gristmill audit show out/audit --benchmark gsm8k",
        "gristmill audit diff out/audit out/audit-2",
    ),
)
def audit() -> None:
    """Find benchmark items in a CORPUS: copied, rephrased, translated or explained.

    `gristmill audit CORPUS…` is short for `gristmill audit run CORPUS…`; its options are shown by
    `gristmill audit run --help`.
    """


@audit.command(
    epilog=examples(
        "gristmill audit out/crawl --benchmarks mmlu,gsm8k,humaneval --out out/audit",
        "gristmill audit 'crawl/*.parquet' --benchmarks gsm8k --results samples_gsm8k.jsonl",
        "gristmill audit sft.jsonl --benchmarks mgsm:de --text content --fail-on 'any>0.1%'",
        "gristmill audit train.jsonl --benchmarks gsm8k,gsm8k:train,./my_quiz.yaml --action drop",
        "gristmill audit crawl --benchmarks mmlu --calibrate clean.jsonl --self-test",
        "gristmill audit new-crawl --index benchmarks.index --thresholds out/audit/calibration.json",
    )
)
@click.argument("corpus", nargs=-1, required=True, metavar="CORPUS...")
@click.option("--benchmarks", "-b", multiple=True, metavar="NAMES", help="Names, with a split as in "
              "gsm8k:train, or paths of definitions; by commas  [default: those of --index]")  # fmt: skip
@click.option("--benchmark-dir", type=FOLDER, metavar="DIR", help="Folder of benchmarks' files and "
              "definitions, before the Hub is asked  [default: $GRISTMILL_BENCHMARKS]")  # fmt: skip
@click.option("--results", type=click.Path(path_type=Path), metavar="FILE", help="A model's results "
              "by item: samples of lm-evaluation-harness, or a table of item and correct.")  # fmt: skip
@click.option("--fail-on", metavar="EXPR", help="End with exit code 4 beyond these bounds, such as "
              "gsm8k>0.1%,any:verbatim>0.")  # fmt: skip
@click.option("--out", type=OutPath(file_okay=False), default=DEFAULT_OUT, show_default=True, metavar="DIR",
              help="Output folder.")  # fmt: skip
@click.option("--id", "id_column", metavar="COLUMN", help="[default: id, uuid, conversation_id …]")
@click.option("--text", "text_column", metavar="COLUMN",
              help="A text, or turns of a chat  [default: text, content, the columns of chats]")  # fmt: skip
@click.option("--url", "url_column", metavar="COLUMN", help="[default: url]")
@click.option("--encoder", metavar="MODEL", help="A sentence-transformers model by name or path, "
              "such as a multilingual one  [default: the packaged all-MiniLM-L6-v2]")  # fmt: skip
@click.option(
    "--no-prescreen", is_flag=True, help="Embed every passage, also those unlike any item."
)
@click.option("--false-positive-rate", metavar="X", help="Share of clean documents that may be taken "
              "for a leak: 0.001 or 0.1%  [default: 0.001]")  # fmt: skip
@click.option("--judge", metavar="MODEL", help="A cross-encoder by name or path, asked about what is "
              "neither a copy nor clear.")  # fmt: skip
@click.option("--judge-url", metavar="URL", help="An OpenAI-compatible API, asked instead with "
              "--judge-model; its key is read from $GRISTMILL_JUDGE_KEY.")  # fmt: skip
@click.option("--judge-model", metavar="NAME", help="Chat model that judges at --judge-url.")
@click.option("--calibrate", multiple=True, metavar="CLEAN", help="Text known to be clean, of the "
              "kind that is audited: find each benchmark's threshold on it.")  # fmt: skip
@click.option("--thresholds", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Use the thresholds that --calibrate has left in calibration.json.")  # fmt: skip
@click.option("--self-test", is_flag=True, help="Plant known leaks in a sample of the corpus, and "
              "say how many are found.")  # fmt: skip
@click.option("--leaks", type=click.Path(path_type=Path), metavar="FILE", help="Labelled leaks of "
              "one's own for that  [default: those that come with Gristmill]")  # fmt: skip
@click.option("--action", type=click.Choice(["drop", "tag"]), help="Write the corpus without the "
              "documents that leak, or with a note on each.")  # fmt: skip
@click.option("--index", type=FOLDER, metavar="DIR", help="Where the index of the benchmarks is kept "
              "for other audits  [default: in --out]")  # fmt: skip
@click.option("--keep-embeddings", is_flag=True, help="Keep the vectors of the corpus's passages in "
              "OUT/embeddings, for audits of it with other benchmarks.")  # fmt: skip
@click.option("--embeddings", type=FOLDER, metavar="DIR", help="OUT/embeddings of an earlier audit of "
              "this corpus: passages among them are not embedded again.")  # fmt: skip
@ray_options
@click.option("--json", "as_json", is_flag=True, help="Print audit.json instead of a summary.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def run(**options: Any) -> int:
    """Find the items of benchmarks in a CORPUS.

    CORPUS is the output folder of a run, Parquet, JSON lines (plain, .gz, .zst), texts, globs and
    folders of these, or hf://OWNER/NAME. Rows need a text; an id and a url are used where there
    are any. The same command after an interruption continues; after it is done there is nothing to do.

    Exit code 4: a bound of --fail-on is passed. 3: more than 1 % of the rows could not be used, so
    that too much was not looked at; they are in quarantine.parquet. 2: wrong arguments. 1: other
    errors.
    """
    from pipeline.audit.run import run_audit
    from pipeline.runtime.progress import reporter

    terminal = console(stderr=True)
    silent = options["quiet"] or options["as_json"]
    planned = _planned(options)
    result = run_audit(
        planned,
        chosen_executor(options, len(planned.corpus.parts)),
        reporter(terminal, quiet=silent),
    )
    if options["as_json"]:
        click.echo(json.dumps({"out": str(result.folder.root), **result.manifest}))
    elif not options["quiet"]:
        _print_result(result, options["out"])
    _print_failures(result)
    return result.exit_code


@audit.command(
    epilog=examples(
        "gristmill audit diff out/before out/after",
        "gristmill audit diff out/before/findings.jsonl out/after --json",
    )
)
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the findings that differ as JSON.")
def diff(before: Path, after: Path, as_json: bool) -> None:
    """Compare the findings of two audits: what is new, gone or changed in AFTER.

    Also says where the audits were set up differently. Ends with exit code 0 whatever differs.
    """
    from audits.outcome.compare import compare_folders
    from pipeline.audit.left import MANIFEST, finished_manifest
    from pipeline.audit.show import setup_differences

    found = compare_folders(before, after)
    both = all((folder / MANIFEST).is_file() for folder in (before, after))
    setup = setup_differences(*map(finished_manifest, (before, after))) if both else []
    if as_json:
        click.echo(json.dumps({**found.to_json(), "setup": setup}))
        return
    terminal = console()
    for said in setup:
        line(terminal, f"set up differently: {said}")
    for said in found.lines():
        line(terminal, said)


@audit.command(
    epilog=examples(
        "gristmill audit benchmarks",
        "gristmill audit benchmarks --benchmark-dir ../shared/data/benchmarks --json",
    )
)
@click.option("--benchmark-dir", type=FOLDER, metavar="DIR", help="Folder of benchmarks' files and "
              "definitions  [default: $GRISTMILL_BENCHMARKS]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def benchmarks(benchmark_dir: Path | None, as_json: bool) -> None:
    """List the benchmarks that can be named, and whether their files are on this machine."""
    from pipeline.audit.benchmarks import list_benchmarks
    from pipeline.core.printable import printable

    listed = list_benchmarks(benchmark_dir)
    if as_json:
        click.echo(json.dumps([one.to_json() for one in listed]))
        return
    terminal = console()
    longest = max((len(one.name) for one in listed), default=0)
    for one in listed:
        if one.fault:
            said = f"cannot be used: {one.fault}"
        else:
            more = len(one.files) - 1
            here = one.files[0] + (f" and {more} more" if more else "") if one.files else ""
            hub = f"on the Hub: {one.hub}" if one.hub else "nowhere"
            splits = f" [{', '.join(one.splits)}]" if len(one.splits) > 1 else ""
            said = f"{here or hub}{splits}"
        line(terminal, printable(f"{one.name:{longest}}  {said}"))


@audit.command(
    epilog=examples(
        "gristmill audit show out/audit",
        "gristmill audit show out/audit --benchmark gsm8k --limit 50 | less",
    )
)
@click.argument("out", type=FOLDER, metavar="OUT")
@click.option("--benchmark", metavar="NAME", help="Findings of this one only.")
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True, metavar="N",
              help="At most so many.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One finding a line, as in findings.jsonl.")
def show(out: Path, benchmark: str | None, limit: int, as_json: bool) -> None:
    """Show findings of a finished audit, item and document side by side, the surest leaks first."""
    from pipeline.audit.show import select, shown

    selection = select(out, benchmark, limit)
    if as_json:
        for one in selection.findings:
            click.echo(json.dumps(one.to_json()))
        return
    terminal = console()
    for said in shown(selection, terminal.width):
        line(terminal, said)


def _planned(options: dict[str, Any]) -> Audit:
    from pipeline.audit.benchmarks import load_benchmarks
    from pipeline.audit.plan import plan_audit
    from pipeline.audit.stored import stored_benchmarks
    from pipeline.sources.corpus import CorpusColumns

    settings = _settings(options)
    if options["index"] is not None and not options["benchmarks"]:
        named = stored_benchmarks(options["index"])
    else:
        named = load_benchmarks(options["benchmarks"], options["benchmark_dir"])
    return plan_audit(
        options["corpus"],
        named,
        options["out"],
        settings=settings,
        columns=CorpusColumns(options["id_column"], options["text_column"], options["url_column"]),
        index=options["index"],
        results=options["results"],
        fail_on=options["fail_on"],
        calibrate=options["calibrate"],
        thresholds=options["thresholds"],
        self_test=options["self_test"],
        leaks=options["leaks"],
        action=options["action"],
        keep_embeddings=options["keep_embeddings"],
        embeddings=options["embeddings"],
    )


def _settings(options: dict[str, Any]) -> AuditSettings:
    from audits.settings import AuditSettings
    from classifiers.calibrate import share_of
    from classifiers.embed import Encoder
    from pipeline.core.errors import ConfigError

    settings = AuditSettings(
        encoder=Encoder(model=options["encoder"], dtype="bfloat16", device="auto"),
        prescreen=not options["no_prescreen"],
        judge=_judge(options["judge"], options["judge_url"], options["judge_model"]),
    )
    text = options["false_positive_rate"]
    if text is None:
        return settings
    rate = share_of(text)
    if rate is None or not 0 < rate <= 0.5:
        raise ConfigError(
            f"--false-positive-rate {text}: give a share above 0 and up to one half, as 0.001 or 0.1%"
        )
    return dataclasses.replace(settings, false_positive_rate=rate)


def _judge(model: str | None, url: str | None, name: str | None) -> Judge | None:
    from audits.verify.chat_model import ChatJudge
    from audits.verify.cross_encoder import CrossEncoderJudge
    from pipeline.core.errors import ConfigError

    if model is not None and not (url is None and name is None):
        raise ConfigError(
            "--judge is a cross-encoder, --judge-url and --judge-model are a chat model: one of them "
            "can judge; leave the other out"
        )
    if url is not None and name is not None:
        return ChatJudge(url, name)
    if url is not None:
        raise ConfigError("--judge-url needs the name of a model there; add --judge-model NAME")
    if name is not None:
        raise ConfigError("--judge-model needs the API that has it; add --judge-url URL")
    return None if model is None else CrossEncoderJudge(model)


def _print_result(result: AuditResult, out: Path) -> None:
    from pipeline.reports.audit_summary import audit_summary

    terminal = console()
    for said in audit_summary(result.manifest, str(out), width=terminal.width):
        line(terminal, said)
    cleaned = result.manifest["cleaned"]
    if cleaned:
        line(
            terminal,
            f"  {out}/cleaned/: of {cleaned['rows']:,} rows {cleaned['kept']:,} kept, "
            f"{cleaned['dropped']:,} dropped, {sum(cleaned['quarantined'].values()):,} quarantined; "
            f"{cleaned['flagged']:,} flagged, see receipts.parquet",
        )


def _print_failures(result: AuditResult) -> None:
    from pipeline.audit.run import QUARANTINE_LIMIT
    from pipeline.core.printable import printable

    for failure in result.failures:
        click.echo(f"error: {printable(failure)}", err=True)
    say_quarantined(result.quarantined_share, QUARANTINE_LIMIT, result.folder.root)
