"""From a recipe's path to a `Recipe`: the sections of the file, one function each."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pipeline
from classifiers.token_counter import TokenCounter
from pipeline.core.errors import GristmillError, PluginError, RecipeError, SourceError
from pipeline.core.registry import nearest
from pipeline.dedup.settings import Dedup
from pipeline.extract import ENGINES, Extraction, Pdf, Prescreen
from pipeline.extract.extraction import PDF_TYPE
from pipeline.extract.html import make_engine
from pipeline.filters import URL, Language
from pipeline.filters.base import Filter
from pipeline.filters.cleaners import Cleaner
from pipeline.recipe.model import Keep, Recipe, RunLimits
from pipeline.recipe.overrides import apply_overrides
from pipeline.recipe.parameters import INVALID, blamed, build, check_keys, check_value
from pipeline.recipe.steps import build_steps
from pipeline.recipe.tree import Tree, read_tree
from pipeline.sources import SOURCES

__all__ = ["find_config", "load_recipe", "read_recipe"]

Tokenizer = Literal["words", "spacy"]
KEYS = (
    "name",
    "output",
    "source",
    "extract",
    "tokenizer",
    "filters",
    "dedup",
    "tokens",
    "keep",
    "limits",
)
REQUIRED = ("name", "source", "filters")


def load_recipe(path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read, check and build a recipe.

    Args:
        path: a file, or the bare name of a packaged recipe; see `find_config`.
        overrides: ``key=value`` as ``--set`` takes them; see `pipeline.recipe.overrides`.

    Raises:
        RecipeError: no such file, or no YAML.
        RecipeErrors: all other faults together, each with its file, line, key and mend.
    """
    tree = read_recipe(path, overrides)
    recipe = _build_recipe(tree)
    tree.raise_faults()
    assert recipe is not None
    return recipe


def read_recipe(path: str, overrides: Sequence[str] = (), kind: str = "") -> Tree:
    """The values of a recipe file with their places, overridden and not yet checked.

    Args:
        path, kind: see `find_config`.
        overrides: see `load_recipe`.

    Raises:
        RecipeError: no such file, or no YAML.
    """
    file = find_config(path, kind)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise RecipeError(f"cannot be read: {reason}", file=str(file)) from error
    tree = read_tree(text, str(file))
    if tree.value is None:
        tree.value = {}
    apply_overrides(tree, overrides)
    return tree


def find_config(name: str, kind: str = "") -> Path:
    """The recipe file meant by ``name``.

    A bare name such as ``quickstart`` is one of the recipes that come with Gristmill; anything
    with a ``/`` or an ending is a path.

    Args:
        name: the bare name or path.
        kind: the folder of packaged recipes of another kind, such as ``classifiers``.

    Raises:
        RecipeError: there is none; the nearest packaged name is offered.
    """
    packaged = Path(pipeline.__file__).parent / "_configs"
    if not packaged.is_dir():  # a checkout
        packaged = packaged.parent.parent / "configs"
    packaged /= kind
    path = Path(name)
    if path.name == name and not path.suffix:
        path = packaged / f"{name}.yaml"
    if path.is_file():
        return path
    known = sorted(found.stem for found in packaged.glob("*.yaml"))
    guess = nearest(Path(name).stem, known) or f"; packaged recipes: {', '.join(known)}"
    raise RecipeError(f"{'is a folder' if path.is_dir() else 'no such recipe'}{guess}", file=name)


def _build_recipe(tree: Tree) -> Recipe | None:
    written = check_keys(tree, (), KEYS)
    if written is None:
        return None
    # A section whose lines are all commented out is null, and meant to be absent.
    present = {key for key, value in written.items() if value is not None}
    for key in REQUIRED:
        if key not in present:
            tree.fault((), f"{key!r} is required and missing")

    name = check_value(tree, ("name",), str) if "name" in present else INVALID
    if name is not INVALID and not re.fullmatch(r"[a-z0-9_-]+", name):
        tree.fault(("name",), f"{name!r} may hold only lower-case letters, digits, '-' and '_'")
    output: Any = f"out/{name}"
    if "output" in present:
        output = check_value(tree, ("output",), str)
        if output == "":
            tree.fault(("output",), "is empty; name a folder")
    tokenizer = check_value(tree, ("tokenizer",), Tokenizer) if "tokenizer" in present else "words"
    source = _build_source(tree) if "source" in present else INVALID
    extraction = _build_extraction(tree) if "extract" in present else Extraction()
    steps = build_steps(tree, tokenizer) if "filters" in present else ()
    dedup = build(tree, ("dedup",), Dedup) if "dedup" in present else None
    tokens = _build_tokens(tree) if "tokens" in present else None
    keep = build(tree, ("keep",), Keep) if "keep" in present else Keep()
    limits = build(tree, ("limits",), RunLimits) if "limits" in present else RunLimits()
    if extraction is not INVALID and extraction.prescreen is not None:
        _check_prescreen(tree, extraction.prescreen, steps)
    if extraction is not INVALID and extraction.pdf is not None:
        _check_pdf(tree, extraction.pdf)
        source = _with_pdfs(tree, source)
    if dedup is not None and dedup is not INVALID:
        _check_quality(tree, dedup, steps)
    if tree.faults:
        return None
    warnings = tuple(
        "filters.url names no list, so it keeps every page; give it domain_lists or word_lists"
        for step in steps
        if isinstance(step, URL) and step == URL(bounds=step.bounds)
    )
    warnings += _pdf_warnings(source, extraction)
    return Recipe(
        name, output, source, extraction, steps, tokenizer, dedup, keep, limits, warnings, tokens
    )


def _build_source(tree: Tree) -> Any:
    options = tree.get(("source",))
    if not isinstance(options, dict) or "kind" not in options:
        tree.fault(("source",), f"expected a map with a 'kind': {' or '.join(SOURCES.names())}")
        return INVALID
    kind = check_value(tree, ("source", "kind"), str)
    if kind is INVALID:
        return INVALID
    try:
        cls = SOURCES.get(kind)
    except PluginError as error:
        tree.fault(("source", "kind"), str(error))
        return INVALID
    source = build(tree, ("source",), cls, besides=("kind",))
    if source is not INVALID:
        _check_inputs(tree, source)
    return source


def _check_inputs(tree: Tree, source: Any) -> None:
    """Every input path names a file; each is planned alone, to find the line of a wrong one."""
    paths = getattr(source, "paths", None)
    if paths is None:
        return
    if not paths:
        tree.fault(("source", "paths"), "names no file")
    for index, path in enumerate(paths):
        try:
            dataclasses.replace(source, paths=(path,)).plan()
        except SourceError as error:
            tree.fault(("source", "paths", index), str(error))


def _build_extraction(tree: Tree) -> Any:
    key = ("extract",)
    written = tree.get(key)
    preset: dict[str, Any] = {}
    if isinstance(written, dict):
        engine = written.get("engine", Extraction.engine)
        if isinstance(engine, str):
            try:
                cls = type(make_engine(engine)) if ":" in engine else ENGINES.get(engine)
            except PluginError as error:
                tree.fault((*key, "engine"), str(error))
                return INVALID
            if "options" in written:
                options = build(tree, (*key, "options"), cls)
                preset["options"] = (
                    INVALID
                    if options is INVALID
                    else {name: getattr(options, name) for name in written["options"]}
                )
    return build(tree, key, Extraction, preset)


def _build_tokens(tree: Tree) -> Any:
    """What tokens are counted by, once it has counted some."""
    counter = build(tree, ("tokens",), TokenCounter)
    if counter is not INVALID:
        try:
            counter.check()
        except GristmillError as error:
            tree.fault(blamed(tree, ("tokens",), str(error)), str(error))
            return INVALID
    return counter


def _check_prescreen(tree: Tree, prescreen: Prescreen, steps: Sequence[Filter | Cleaner]) -> None:
    """Its model knows its languages, and all that the language filter keeps are among them."""
    key = ("extract", "prescreen")
    try:
        prescreen.model.check(prescreen.languages)
    except GristmillError as error:
        tree.fault(blamed(tree, key, str(error)), str(error))
    for step in steps:
        if isinstance(step, Language):
            lost = [code for code in step.languages if code not in prescreen.languages]
            if lost:
                tree.fault(
                    (*key, "languages"),
                    f"leaves out {', '.join(lost)}, which the language filter keeps",
                )


def _check_pdf(tree: Tree, pdf: Pdf) -> None:
    """What reads scans is installed."""
    key = ("extract", "pdf")
    try:
        pdf.check()
    except GristmillError as error:
        tree.fault(blamed(tree, key, str(error)), str(error))


def _with_pdfs(tree: Tree, source: Any) -> Any:
    """The source, letting PDFs through unless the recipe itself says what goes through."""
    types = getattr(source, "content_types", None)
    if types is None or PDF_TYPE in types or tree.get(("source", "content_types")) is not None:
        return source
    return dataclasses.replace(source, content_types=(*types, PDF_TYPE))


def _pdf_warnings(source: Any, extraction: Extraction) -> tuple[str, ...]:
    types = getattr(source, "content_types", None)
    if extraction.pdf is not None and types is not None and PDF_TYPE not in types:
        return (f"extract.pdf reads nothing, since source.content_types leaves out {PDF_TYPE}",)
    if extraction.pdf is None and types is not None and PDF_TYPE in types:
        return (
            f"source.content_types lets {PDF_TYPE} through, and nothing reads it; "
            "write extract: {pdf: {}}",
        )
    return ()


def _check_quality(tree: Tree, dedup: Dedup, steps: Sequence[Filter | Cleaner]) -> None:
    """The signal by which the best copy is found is one that the recipe measures."""
    signals = [f"{step.name}.{signal.name}" for step in steps for signal in step.signals]
    if dedup.quality and dedup.quality not in signals:
        tree.fault(
            ("dedup", "quality"),
            f"no filter of this recipe measures {dedup.quality!r}{nearest(dedup.quality, signals)}",
        )
