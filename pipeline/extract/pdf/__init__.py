"""The text of PDFs: characters with their places, put in the order a person reads them."""

from pipeline.extract.pdf.damage import is_pdf
from pipeline.extract.pdf.reading import PdfText, read_pdf
from pipeline.extract.pdf.settings import Pdf

__all__ = ["Pdf", "PdfText", "is_pdf", "read_pdf"]
