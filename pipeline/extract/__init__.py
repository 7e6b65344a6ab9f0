"""From a page's bytes to its main text: engines, the pre-screen, a worker that can be killed."""

from pipeline.extract.extraction import Extracted, Extraction, InlineExtractor, Limits
from pipeline.extract.html import ENGINES, Engine, Resiliparse, Trafilatura, TrafilaturaFast
from pipeline.extract.page import Page
from pipeline.extract.prescreen import Prescreen
from pipeline.extract.worker import ExtractWorker

__all__ = [
    "ENGINES",
    "Engine",
    "ExtractWorker",
    "Extracted",
    "Extraction",
    "InlineExtractor",
    "Limits",
    "Page",
    "Prescreen",
    "Resiliparse",
    "Trafilatura",
    "TrafilaturaFast",
]
