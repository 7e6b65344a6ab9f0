"""From a page's bytes to its text: engines, PDFs, the pre-screen, a worker that can be killed."""

from pipeline.extract.extraction import Crawled, Extracted, Extraction, InlineExtractor, Limits
from pipeline.extract.html import ENGINES, Engine, Resiliparse, Trafilatura, TrafilaturaFast
from pipeline.extract.page import Page
from pipeline.extract.pdf import Pdf
from pipeline.extract.prescreen import Prescreen
from pipeline.extract.worker import ExtractWorker

__all__ = [
    "ENGINES",
    "Crawled",
    "Engine",
    "ExtractWorker",
    "Extracted",
    "Extraction",
    "InlineExtractor",
    "Limits",
    "Page",
    "Pdf",
    "Prescreen",
    "Resiliparse",
    "Trafilatura",
    "TrafilaturaFast",
]
