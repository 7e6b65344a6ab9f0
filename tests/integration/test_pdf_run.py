"""PDFs in a crawl: through the recipe, the source, the ledger's signals; and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pdf_files import SCAN, document, shown

from pipeline.cli import main
from pipeline.core.errors import RecipeErrors, RecordError
from pipeline.core.records import Fate
from pipeline.curate import Traced, close_extractors, measure
from pipeline.curation import Curation
from pipeline.extract import Extraction, Pdf
from pipeline.extract.pdf import read_pdf
from pipeline.recipe import Recipe, load_recipe
from pipeline.sources.warc import WarcSource

BOOK = document([shown([f"Sheet {at} tells how the corn of {at} villages was ground."])
                 for at in ("one", "two", "three")])  # fmt: skip
RECIPE = "name: pdfs\nsource: {{kind: warc, paths: [crawl.warc]{types}}}\nextract: {{{pdf}}}\nfilters: []\n"


def response(body: bytes, kind: str, extra: str = "") -> bytes:
    carried = b"HTTP/1.1 200 OK\r\n" + (f"Content-Type: {kind}\r\n" if kind else "").encode()
    carried += b"\r\n" + body
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://mill.test/\r\n"
        f"Content-Type: application/http\r\nContent-Length: {len(carried)}\r\n{extra}\r\n"
    )
    return head.encode() + carried + b"\r\n\r\n"


CRAWL = b"".join(
    [
        response(BOOK, "application/pdf"),
        response(BOOK[: len(BOOK) * 2 // 3], "application/pdf", "WARC-Truncated: length\r\n"),
        response(SCAN, "application/pdf"),
        response(BOOK, "application/octet-stream", "WARC-Identified-Payload-Type: application/pdf\r\n"),
        response(BOOK, ""),
        response(b"<html>Moved</html>", "application/pdf"),
        response(BOOK, "image/png"),
        response(b"<html><body><p>An ordinary page.</p></body></html>", "text/html"),
    ]
)  # fmt: skip


@pytest.fixture(autouse=True)
def _crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("crawl.warc").write_bytes(CRAWL)


def recipe(pdf: str = "pdf: {}, engine: resiliparse", types: str = "") -> Recipe:
    Path("pdfs.yaml").write_text(RECIPE.format(pdf=pdf, types=types))
    return load_recipe("pdfs.yaml")


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def traced(loaded: Recipe) -> list[Traced]:
    curation = Curation(loaded.source, loaded.gates, loaded.extraction, loaded.steps)
    try:
        return [record for split in loaded.source.plan() for record in measure(curation, split)]
    finally:
        close_extractors()


def reason(record: Traced) -> str:
    if record.failure is not None:
        return record.failure.reason
    return record.verdicts[0].reason if record.verdicts else "kept"


def test_every_record_has_a_fate_and_pdfs_have_signals() -> None:
    records = traced(recipe())
    assert [reason(record) for record in records] == [
        "kept", "kept", "extract.scanned_pages.high", "kept", "kept", "extract.pdf_broken",
        "warc.content_type", "kept",
    ]  # fmt: skip
    whole, cut, scan = records[:3]
    assert whole.text is not None
    assert whole.text.count("Sheet") == 3
    assert whole.row["pdf.pages"] == 3.0
    assert "pdf.truncated" not in whole.row
    assert cut.row["pdf.truncated"] == "length"
    assert cut.fate is Fate.KEPT
    assert scan.row["pdf.scanned_pages"] == 1.0
    assert "pdf.pages" not in records[-1].row


def test_without_it_pdfs_are_dropped_by_their_type() -> None:
    reasons = [reason(record) for record in traced(recipe("engine: resiliparse"))]
    assert reasons == ["warc.content_type"] * 7 + ["kept"]


def test_the_ledger_has_columns_for_the_signals() -> None:
    source = WarcSource(paths=("crawl.warc",))
    with_pdf = Curation(source, (), Extraction(pdf=Pdf()), ()).schemas()
    without = Curation(source, (), Extraction(), ()).schemas()
    assert with_pdf != without
    assert with_pdf.of("records").field("pdf.producer").type == "string"
    assert "pdf.pages" not in without.of("records").names


def test_the_recipe_opens_the_source_unless_it_says_otherwise() -> None:
    opened = recipe()
    assert isinstance(opened.source, WarcSource)
    assert "application/pdf" in opened.source.content_types
    assert opened.warnings == ()
    shut = recipe(types=", content_types: [text/html]")
    assert "leaves out application/pdf" in shut.warnings[0]
    unread = recipe("engine: resiliparse", ", content_types: [application/pdf]")
    assert "nothing reads it" in unread.warnings[0]


def test_a_recipe_that_asks_for_ocr_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RecipeErrors, match=r"extract\.pdf.*tesseract, which is not on PATH"):
        recipe("pdf: {ocr: tesseract}")


def test_extract_reads_pdfs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("book.pdf").write_bytes(BOOK)
    Path("scan.pdf").write_bytes(SCAN)
    assert call("extract", "book.pdf", "--pdf", "max_pages=1") == 0
    assert capsys.readouterr().out == "Sheet one tells how the corn of one villages was ground.\n"
    assert call("extract", "book.pdf", "--json") == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["engine"], row["signals"]["pdf.pages"]) == ("pdf", 3.0)
    assert call("extract", "scan.pdf") == 1
    assert "its pages are images" in capsys.readouterr().err
    assert call("extract", "book.pdf", "--out", "texts") == 0
    assert Path("texts/book.txt").is_file()


def test_real_files_end_with_a_text_or_a_reason(shared_data: Path) -> None:
    reasons = []
    for path in sorted((shared_data / "web" / "pdf").rglob("*.pdf")):
        try:
            reasons.append("text" if read_pdf(path.read_bytes(), Pdf(max_pages=5)).text else "none")
        except RecordError as error:
            reasons.append(error.reason)
    assert reasons.count("text") > 70
    assert set(reasons) <= {"text", "none", "extract.pdf_encrypted", "extract.pdf_broken"}
