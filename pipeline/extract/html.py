"""Engines that turn an HTML page into plain text: one interface, the built-in ones, their registry.

An engine is frozen parameters and a pure function of the page. It knows nothing of processes,
limits, charsets or languages. Another package registers its own under the entry-point group
``gristmill.engines``; ``"module:Class"`` names one that is not registered.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
import importlib
import importlib.metadata
from collections.abc import Mapping
from typing import Any, ClassVar

from pipeline.core.decisions import Signal
from pipeline.core.errors import ConfigError, PluginError
from pipeline.core.registry import Registry, nearest
from pipeline.extract.page import Page, shallow_part

__all__ = ["ENGINES", "Engine", "Resiliparse", "Trafilatura", "TrafilaturaFast", "make_engine"]


@dataclasses.dataclass(frozen=True)
class Engine(abc.ABC):
    """Base of all engines. Subclasses are frozen dataclasses; their fields are their options.

    ``version`` changes with every change of behaviour; ``libraries`` are the distributions whose
    versions the text depends on; ``signals`` are what `read` measures besides.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ()
    signals: ClassVar[tuple[Signal, ...]] = ()

    @abc.abstractmethod
    def extract(self, page: Page) -> str:
        """The main text of ``page``, or an empty string. Depends on nothing but the page."""

    def read(self, page: Page) -> tuple[str, dict[str, float | str]]:
        """The main text of ``page``, and what was measured on the way, by ``extract.NAME``."""
        return self.extract(page), {}

    def prepare(self) -> None:  # noqa: B027, most engines need none
        """Called once in a process of its own, before the first page: whatever makes the engine
        faster and changes no text, even where it alters a library for the whole process."""

    def parameters(self) -> dict[str, Any]:
        """All the text depends on besides the page: name, version, options, library versions."""
        return {
            "engine": self.name,
            "version": self.version,
            "options": dataclasses.asdict(self),
            "libraries": {name: importlib.metadata.version(name) for name in self.libraries},
        }


@dataclasses.dataclass(frozen=True)
class Trafilatura(Engine):
    """trafilatura's own cascade (Barbaresi 2021, ACL demo), with readability and jusText behind it.

    The text is that of ``trafilatura.extract`` with the same options, character for character.
    Neither metadata nor dates are looked for.

    Args:
        favor_precision: less text, more surely main text (what FineWeb used).
        favor_recall: more text, when unsure.
        include_comments: append readers' comments. Off by default: over all page types the text
            without them is nearer to what people mark (see ``benchmarks/extraction_quality.py``).
        include_tables: keep the text of tables.
        deduplicate: leave out segments repeated within the page. trafilatura itself counts
            repeats over all pages a process has seen, so that its output depends on their order;
            here each page starts from nothing.
    """

    name: ClassVar[str] = "trafilatura"
    libraries: ClassVar[tuple[str, ...]] = ("trafilatura", "lxml", "justext", "lxml_html_clean")
    fast: ClassVar[bool] = False

    favor_precision: bool = False
    favor_recall: bool = False
    include_comments: bool = False
    include_tables: bool = True
    deduplicate: bool = False

    def __post_init__(self) -> None:
        if self.favor_precision and self.favor_recall:
            raise ConfigError(f"{self.name}: favor_precision and favor_recall exclude each other")

    def prepare(self) -> None:
        """See `pipeline.extract.tuning`."""
        from pipeline.extract.tuning import tune_trafilatura

        tune_trafilatura()

    def extract(self, page: Page) -> str:
        from trafilatura import extract
        from trafilatura.deduplication import LRUCache
        from trafilatura.settings import LRU_SIZE

        if page.tree is None:
            return ""
        settings = _trafilatura_settings(self)
        if self.deduplicate:
            settings.dedup = LRUCache(LRU_SIZE)
        return extract(page.tree, options=settings) or ""


@functools.lru_cache(maxsize=8)
def _trafilatura_settings(engine: Trafilatura) -> Any:
    from trafilatura.settings import Extractor

    return Extractor(
        fast=engine.fast,
        precision=engine.favor_precision,
        recall=engine.favor_recall,
        comments=engine.include_comments,
        tables=engine.include_tables,
    )


@dataclasses.dataclass(frozen=True)
class TrafilaturaFast(Trafilatura):
    """trafilatura without its comparison with readability and jusText (``fast=True``)."""

    name: ClassVar[str] = "trafilatura-fast"
    fast: ClassVar[bool] = True


@dataclasses.dataclass(frozen=True)
class Resiliparse(Engine):
    """resiliparse's rule-based extraction (Bevendorff et al. 2018, Elastic ChatNoir).

    What is nested deeper than `pipeline.extract.page.MAX_DEPTH` is left out: resiliparse would take the
    square of the depth for it.

    Args:
        main_content: leave out navigation and other boilerplate; else all visible text.
        preserve_formatting: keep line breaks and list bullets; else one line of text.
        comments: treat readers' comments as main content.
        alt_texts: include the alternative texts of images.
    """

    name: ClassVar[str] = "resiliparse"
    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("resiliparse",)

    main_content: bool = True
    preserve_formatting: bool = True
    comments: bool = True
    alt_texts: bool = False

    def extract(self, page: Page) -> str:
        from resiliparse.extract.html2text import extract_plain_text

        text: str = extract_plain_text(
            shallow_part(page.html),
            preserve_formatting=self.preserve_formatting,
            main_content=self.main_content,
            comments=self.comments,
            alt_texts=self.alt_texts,
        )
        return text.strip()


ENGINES = Registry(
    "engine",
    {
        "trafilatura": "pipeline.extract.html:Trafilatura",
        "trafilatura-fast": "pipeline.extract.html:TrafilaturaFast",
        "resiliparse": "pipeline.extract.html:Resiliparse",
        "blocks": "pipeline.extract.blocks.engine:Blocks",
    },
    "gristmill.engines",
)


def make_engine(name: str, options: Mapping[str, Any] | None = None) -> Engine:
    """The engine called ``name`` with ``options``.

    Args:
        name: a registered name, or ``"module:Class"``.
        options: fields of that engine.

    Raises:
        PluginError: no such engine, or it does not load.
        ConfigError: an option the engine does not have, or of another type.
    """
    found = _from_path(name) if ":" in name else ENGINES.get(name)
    if not (isinstance(found, type) and issubclass(found, Engine)):
        raise PluginError(f"engine {name!r} is not a pipeline.extract.Engine")
    fields = {field.name: field for field in dataclasses.fields(found)}
    for key, value in (options or {}).items():
        if key not in fields:
            raise ConfigError(
                f"engine {name!r} has no option {key!r}{nearest(key, fields)} "
                f"Options: {', '.join(fields)}"
            )
        default = fields[key].default
        if isinstance(default, bool) and not isinstance(value, bool):
            raise ConfigError(f"engine {name!r}: {key} is true or false, not {value!r}")
    engine: Engine = found(**(options or {}))
    return engine


def _from_path(path: str) -> Any:
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise PluginError(f"engine {path!r} failed to load: {error!r}") from error
