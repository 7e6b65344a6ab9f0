"""``gristmill classifier``: train, judge, calibrate and use classifiers of texts."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.figures import line, print_account, print_metrics, print_threshold, sayer
from pipeline.cli.predict import predict, rank
from pipeline.cli.terminal import OutPath, console, examples

if TYPE_CHECKING:
    from classifiers.text_classifier import TextClassifier
    from pipeline.labelled import Columns, Labelled

__all__ = ["classifier"]


@click.group(
    epilog=examples(
        "gristmill classifier train relevant=seeds.jsonl other=crawl.jsonl --positive relevant "
        "--out models/topic",
        "gristmill classifier train comments.csv --label toxic --positive 1 --out models/toxicity",
        "gristmill classifier evaluate models/topic held_out.jsonl",
        "gristmill classifier calibrate models/topic crawl.jsonl --target share=10%",
        "gristmill classifier predict models/topic crawl.jsonl --out scored.jsonl",
        "gristmill classifier card toxicity",
    )
)
def classifier() -> None:
    """Train, evaluate, calibrate and use classifiers of texts.

    DATA is labelled text: JSONL (plain, .gz, .zst), CSV, TSV, Parquet, fastText's format (.txt), or
    hf:NAME of a Hugging Face dataset; LABEL=DATA gives all of its rows one label. MODEL is a name
    (`gristmill classifier list`), a folder that `train` wrote, or a model file.
    """


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say what the columns of DATA are called."""
    for option in (
        click.option("--encoding", default="utf-8", show_default=True,
                     help="Of CSV, TSV and fastText files."),
        click.option("--slice", "slices", multiple=True, metavar="COLUMN",
                     help="Look at the texts of each of its values alone; may be repeated."),
        click.option("--group", default="", metavar="COLUMN",
                     help="Rows of one value never come apart; url groups by domain."),
        click.option("--label", default="label", show_default=True, metavar="COLUMN"),
        click.option("--text", default="text", show_default=True, metavar="COLUMN"),
    ):  # fmt: skip
        command = option(command)
    return command


positive_option = click.option(
    "--positive",
    multiple=True,
    metavar="LABEL",
    help="The labels of DATA that are positive, where the model's are called otherwise.",
)


@classifier.command(
    epilog=examples(
        "gristmill classifier train reviews.csv --positive good --out models/reviews",
        "gristmill classifier train good=edited.jsonl poor=spam.jsonl --positive good --group url "
        "--out models/quality --search 12",
        "gristmill classifier train scored.jsonl --label score --recipe fineweb_edu --out models/edu",
        "gristmill classifier train a.jsonl --test b.jsonl --positive yes --out models/mine "
        "--set fasttext.word_ngrams=3 --target precision=0.95",
    )
)
@click.argument("data", nargs=-1, required=True)
@click.option("--out", type=OutPath(), required=True, metavar="DIR",
              help="Folder of the model: model, card.json, README.md, pictures.")  # fmt: skip
@click.option("--positive", multiple=True, metavar="LABEL",
              help="The label to find; may be repeated.")  # fmt: skip
@click.option("--recipe", default="default", show_default=True,
              help="A YAML file or default, dclm, deepseek_math, fineweb_edu.")  # fmt: skip
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one key.")
@click.option("--target", "targets", multiple=True, metavar="KIND=VALUE",
              help="Thresholds to find: precision=, recall=, false_positive_rate=, share=; the "
              "first is the default.")  # fmt: skip
@click.option("--search", type=click.IntRange(1), metavar="TRIALS",
              help="Search hyper-parameters, that many settings.")  # fmt: skip
@click.option("--search-minutes", type=click.FloatRange(0, min_open=True), metavar="MINUTES",
              help="Start no further trial after that.")  # fmt: skip
@click.option("--test", multiple=True, metavar="DATA",
              help="Test data of their own; their texts are taken out of the rest.")  # fmt: skip
@click.option("--rename", multiple=True, metavar="OLD=NEW", help="Mend a label.")
@click.option("--meant", multiple=True, metavar="LABEL", help="A label that is no typing error.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Of split, order and weights.")
@click.option("--licence", "licences", multiple=True, metavar="DATA=LICENCE", help="For the card.")
@data_options
@click.option("--json", "as_json", is_flag=True, help="Print the card as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def train(data: tuple[str, ...], out: Path, **options: Any) -> None:
    """Train a classifier on DATA and leave model, card and pictures in --out.

    Repeated rows go, whole groups are put into one of three parts: the first is learned from, the
    second chooses thresholds (and settings, with --search), the third is only reported on. The
    same data and options give the same bytes.
    """
    from pipeline.labelled import prepare
    from pipeline.recipe.training import load_training
    from pipeline.training import check_folder, train_classifier

    check_folder(out)
    licences = _pairs("--licence", options["licences"])
    for item in sorted(licences.keys() - {*data, *options["test"]}):
        raise click.UsageError(f"--licence {item}={licences[item]}: no DATA of that name")
    say = sayer(options["quiet"] or options["as_json"])
    recipe = load_training(options["recipe"], _overrides(out, options))
    prepared = prepare(
        data,
        _columns(options),
        test=options["test"],
        renames=_pairs("--rename", options["rename"]),
        meant=options["meant"],
        shares=_shares(recipe.split, bool(options["test"])),
        seed=recipe.seed,
        settings=_near_copies(recipe.near_copies),
        encoding=options["encoding"],
    )
    for fault in prepared.faults:
        say(f"left out: {fault.place}: {fault.message}")
    for message in prepared.messages:
        say(f"note: {message}")
    sources = [
        {"name": Path(item.partition("=")[2] or item).name, "licence": licences.get(item, "")}
        for item in (*data, *options["test"])
    ]
    card = train_classifier(prepared, recipe, out, data=sources, say=say)
    if options["as_json"]:
        click.echo(card.to_json(), nl=False)
    elif not options["quiet"]:
        terminal = console()
        print_account(terminal, prepared.counts)
        print_metrics(terminal, card.metrics["test"], "test part")
        for threshold in card.thresholds:
            print_threshold(terminal, threshold)
        line(terminal, f"{out}/: {card.file} ({card.bytes:,} bytes), card.json, README.md")


@classifier.command(
    epilog=examples(
        "gristmill classifier evaluate toxicity comments.csv --label toxic --json",
        "gristmill classifier evaluate models/topic held_out.jsonl --slice site --out report",
        "gristmill classifier evaluate models/topic new.jsonl --note autumn",
    )
)
@click.argument("model")
@click.argument("data", nargs=-1, required=True)
@click.option("--target", metavar="KIND=VALUE", help="Which of the card's thresholds to judge.")
@positive_option
@click.option("--out", type=OutPath(file_okay=False), metavar="DIR",
              help="Leave figures and pictures there.")  # fmt: skip
@click.option("--note", metavar="NAME", help="Put the figures into the card, by this name.")
@data_options
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(model: str, data: tuple[str, ...], **options: Any) -> None:
    """Hold MODEL against labelled DATA that it was not trained on."""
    from classifiers.text_classifier import TextClassifier
    from pipeline.judging import (
        card_of,
        judge,
        leave_card,
        leave_pictures,
        leave_text,
        with_model_labels,
    )
    from pipeline.runtime.storage import storage_errors

    if options["note"] == "test":
        raise click.UsageError(
            "--note test: the figures of the training's own test part go by it; take another"
        )

    loaded = TextClassifier.load(model)
    card = card_of(loaded)
    if options["target"]:
        chosen = card.threshold(options["target"]).target
        loaded = dataclasses.replace(loaded, card=dataclasses.replace(card, default=chosen))
    table = with_model_labels(_read(data, options).table, loaded, options["positive"])
    found = judge(loaded, table)
    out, name = options["out"], options["note"]
    if out is not None:
        with storage_errors(out):
            out.mkdir(parents=True, exist_ok=True)
        leave_text(out / "evaluation.json", json.dumps(found, indent=1) + "\n")
        leave_pictures(out, card.name, found)
    if name:
        noted = dataclasses.replace(card, metrics={**card.metrics, name: found})
        leave_card(_folder(loaded), noted)
    if options["as_json"]:
        click.echo(json.dumps(found))
        return
    print_metrics(console(), found, ", ".join(data))


@classifier.command(
    epilog=examples(
        "gristmill classifier calibrate models/topic labelled.jsonl --target precision=0.95",
        "gristmill classifier calibrate models/quality crawl.jsonl --target share=10%",
        "gristmill classifier calibrate models/toxicity clean=articles.jsonl --target fpr=0.001 --sure",
    )
)
@click.argument("model")
@click.argument("data", nargs=-1, required=True)
@click.option("--target", "targets", multiple=True, required=True, metavar="KIND=VALUE",
              help="precision=, recall=, false_positive_rate= or share=; may be repeated.")  # fmt: skip
@click.option("--sure", is_flag=True, help="Reach it with the whole 95 % interval.")
@click.option("--default", "make_default", is_flag=True,
              help="Use the first target where none is named.")  # fmt: skip
@positive_option
@data_options
@click.option("--json", "as_json", is_flag=True, help="Print the thresholds as JSON.")
def calibrate(model: str, data: tuple[str, ...], **options: Any) -> None:
    """Find thresholds of MODEL for targets on DATA and put them into its card.

    A recipe names the target, `- quality: {target: precision=0.9}`; the number lives in the card.
    For share= the texts need no labels; for false_positive_rate= clean ones are enough.
    """
    from classifiers.calibrate import Target
    from classifiers.text_classifier import TextClassifier
    from pipeline.judging import card_of, leave_card, thresholds

    loaded = TextClassifier.load(model)
    card = card_of(loaded)
    targets = [Target.parse(target) for target in options["targets"]]
    labelled = any(target.kind != "share" for target in targets)
    table = _read(data if labelled else _any_label(data), options).table
    about = f"{', '.join(Path(item).name for item in data)}, {table.num_rows:,} texts"
    found = thresholds(
        loaded, table, options["targets"], positive=options["positive"], sure=options["sure"],
        data=about,
    )  # fmt: skip
    default = str(targets[0]) if options["make_default"] else None
    leave_card(_folder(loaded), card.with_thresholds(found, default))
    if options["as_json"]:
        click.echo(json.dumps([threshold.to_json() for threshold in found.values()]))
        return
    for threshold in found.values():
        print_threshold(console(), threshold)


@classifier.command(epilog=examples("gristmill classifier card toxicity", "gristmill classifier card "
                                    "models/topic --json"))  # fmt: skip
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Print the card as JSON.")
def card(model: str, as_json: bool) -> None:
    """Print the card of MODEL: data, figures, thresholds, known failures."""
    from classifiers.text_classifier import TextClassifier
    from pipeline.judging import card_of
    from pipeline.reports.model_card import model_card

    found = card_of(TextClassifier.load(model))
    click.echo(found.to_json() if as_json else model_card(found), nl=False)


@classifier.command("list", epilog=examples("gristmill classifier list"))
def list_models() -> None:
    """List the classifiers that come with Gristmill."""
    from classifiers.text_classifier import TextClassifier, shipped_names

    click.echo(f"{'language':12} 917,300 bytes  lid.176 (fasttext.cc): 176 languages")
    for name in shipped_names():
        found = TextClassifier.load(name).card
        assert found is not None
        click.echo(f"{name:12} {found.bytes:7,} bytes  {found.description}")


classifier.add_command(predict)
classifier.add_command(rank)


# --- arguments -------------------------------------------------------------------------------


def _columns(options: Mapping[str, Any]) -> Columns:
    from pipeline.labelled import Columns

    return Columns(options["text"], options["label"], options["group"], tuple(options["slices"]))


def _read(data: tuple[str, ...], options: Mapping[str, Any]) -> Labelled:
    from pipeline.labelled import read_labelled

    read = read_labelled(data, _columns(options), encoding=options["encoding"])
    for fault in read.faults:
        click.echo(f"left out: {fault.place}: {fault.message}", err=True)
    for note in read.notes:
        click.echo(f"note: {note}", err=True)
    return read


def _overrides(out: Path, options: Mapping[str, Any]) -> list[str]:
    """The options that stand for keys of the recipe; what --set says comes last."""
    overrides = []
    if options["recipe"] == "default":
        name = re.sub("[^a-z0-9_-]", "_", out.name.lower())
        overrides.append(f"name={json.dumps(name or 'classifier')}")
    if options["positive"]:
        overrides.append(f"positive={json.dumps(options['positive'])}")
    if options["targets"]:
        overrides.append(f"targets={json.dumps(options['targets'])}")
        overrides.append(f"default={json.dumps(options['targets'][0])}")
    if options["search"] or options["search_minutes"]:
        search = {"trials": options["search"] or 1000, "minutes": options["search_minutes"]}
        overrides.append(f"search={json.dumps(search)}")
    if options["seed"] is not None:
        overrides.append(f"seed={options['seed']}")
    return [*overrides, *options["overrides"]]


def _shares(split: Any, own_test: bool) -> dict[str, float]:
    if not own_test:
        return {"train": split.train, "dev": split.dev, "test": split.test}
    both = split.train + split.dev
    return {"train": split.train / both, "dev": split.dev / both}


def _near_copies(similarity: float) -> Any:
    from pipeline.dedup import Dedup

    return Dedup(threshold=similarity)


def _pairs(option: str, values: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for value in values:
        before, equals, after = value.rpartition("=")
        if not equals or not before:
            raise click.UsageError(f"{option} {value}: write OLD=NEW" if option == "--rename" else
                                   f"{option} {value}: write DATA=LICENCE")  # fmt: skip
        pairs[before] = after
    return pairs


def _any_label(data: tuple[str, ...]) -> tuple[str, ...]:
    """Data that need no label. A sign of equality in the name of a folder or file gives none."""
    return tuple(
        item if "=" in item and "/" not in item.partition("=")[0] and not Path(item).exists()
        else f"any={item}"
        for item in data
    )  # fmt: skip


def _folder(loaded: TextClassifier) -> Path:
    return Path(loaded.model.file.path).parent
