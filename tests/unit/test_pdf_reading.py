"""Whole files: what PDFs hold, how they are damaged, and what is said of them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from pdf_files import IMAGE, SCAN, document, packed, pdf, show, shown, stream

from pipeline.core.errors import ConfigError, RecordError
from pipeline.core.records import Locator, RawRecord
from pipeline.extract import Extraction, InlineExtractor, Limits, Pdf
from pipeline.extract.pdf import is_pdf, read_pdf
from pipeline.extract.pdf.damage import ends_early, salvaged

LINES = [
    "The mill stands by the river, and it has ground the corn of four",
    "villages since anyone can remember. Its wheel turns slowly in sum-",
    "mer and fast in spring.",
]
TEXT = (
    "The mill stands by the river, and it has ground the corn of four villages since anyone can "
    "remember. Its wheel turns slowly in summer and fast in spring."
)


def text(payload: bytes, **options: object) -> str:
    return read_pdf(payload, Pdf(**options)).text  # type: ignore[arg-type]


def test_lines_become_a_paragraph() -> None:
    found = read_pdf(document([shown(LINES)], page=b""), Pdf())
    assert found.text == TEXT
    assert (found.pages, found.pages_read, found.scanned_pages) == (1, 1, 0)
    assert (found.truncated, found.producer) == ("", "")
    assert found.signals() == {"pdf.pages": 1.0, "pdf.pages_read": 1.0, "pdf.scanned_pages": 0.0}


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_turned_pages(turn: int) -> None:
    assert text(document([shown(LINES)], page=b"/Rotate %d" % turn)) == TEXT


@pytest.mark.parametrize(
    ("matrix", "step"),
    [("0 1 -1 0", (12, 0)), ("0 -1 1 0", (-12, 0)), ("-1 0 0 -1", (0, 12))],
)
def test_text_drawn_sideways(matrix: str, step: tuple[int, int]) -> None:
    x, y = (300, 100 if matrix == "0 1 -1 0" else 700) if step[0] else (500, 300)
    content = b"".join(
        show(line, x + step[0] * at, y + step[1] * at, 10, matrix) for at, line in enumerate(LINES)
    )
    assert text(document([content])) == TEXT


def test_stamps_across_the_page_and_along_its_side_are_dropped() -> None:
    content = shown(LINES)
    content += show("DRAFT", 100, 300, 90, ".7 .7 -.7 .7") + show("Copy 7", 20, 300, 12, "0 1 -1 0")
    assert text(document([content])) == TEXT


def test_letter_spaced_titles_and_words_without_spaces() -> None:
    title = b"BT /F 18 Tf 4 Tc 72 740 Td (THE MILL) Tj ET 0 Tc "
    words = b"BT /F 10 Tf 72 700 Td [(The)-300(old)-300(mill)-300(turns.)] TJ ET"
    assert text(document([title + words])) == "THE MILL\n\nThe old mill turns."


def test_what_lies_outside_the_page_is_not_read() -> None:
    assert text(document([shown(LINES) + show("printer's mark", 700, 300)])) == TEXT


def test_more_pages_than_are_read() -> None:
    contents = [shown([f"Sheet {word} of this book."]) for word in ("one", "two", "three")]
    found = read_pdf(document(contents), Pdf(max_pages=2))
    assert (found.pages, found.pages_read) == (3, 2)
    assert "two" in found.text
    assert "three" not in found.text


def test_more_characters_than_are_read() -> None:
    assert len(text(document([shown(LINES)]), max_characters=20)) <= 20


def test_the_producer_is_said() -> None:
    made = document([shown(LINES)], more={1000: b"<</Producer(Millwright\\n3)>>"})
    named = made.replace(b"/Size", b"/Info 1000 0 R/Size")
    assert read_pdf(named, Pdf()).producer == "Millwright␊3"


# --- damage --------------------------------------------------------------------------------


def many(count: int) -> bytes:
    return document([shown([f"Sheet number {at} of the book.", *LINES]) for at in range(count)])


@pytest.mark.parametrize("share", [0.4, 0.7, 0.95])
def test_of_a_file_that_is_cut_the_whole_pages_are_read(share: float) -> None:
    payload = many(10)
    found = read_pdf(payload[: int(share * len(payload))], Pdf())
    assert found.truncated == "end"
    assert 10 * share - 3 <= found.text.count("Sheet number") <= 10


def test_what_the_crawler_says_comes_first() -> None:
    assert read_pdf(many(2), Pdf(), "length").truncated == "length"


def test_pages_packed_into_streams_of_objects_are_found() -> None:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 11 0 R/Resources<</Font<</F 3 0 R>>>>>>"
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>"
    header = b"10 0 3 %d " % len(page + b" ")
    body = header + page + b" " + font
    objects = {11: stream(shown(LINES)),
               20: packed(body, b"/Type/ObjStm/N 2/First %d" % len(header))}  # fmt: skip
    cut = pdf(objects).partition(b"xref")[0]
    found = read_pdf(cut, Pdf())
    assert found.text == TEXT
    assert found.truncated == "end"


def test_a_linearized_file_shorter_than_it_says() -> None:
    whole = many(1)
    assert not ends_early(whole)
    assert ends_early(whole.replace(b"1 0 obj\n<<", b"1 0 obj\n<</Linearized 1/L 99999 ", 1))


@pytest.mark.parametrize(
    "payload",
    [b"%PDF-1.4", b"%PDF-1.4\n" + bytes(range(256)) * 500, b"<html>no</html>", b"",
     pdf({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Count 9/Kids[]>>"})],
)  # fmt: skip
def test_broken_files_say_so(payload: bytes) -> None:
    with pytest.raises(RecordError) as caught:
        read_pdf(payload, Pdf())
    assert caught.value.reason == "extract.pdf_broken"


def test_a_password_is_asked_for() -> None:
    key = b"<" + b"41" * 32 + b">"
    lock = b"/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O%s/U%s>>" % (key, key)
    locked = document([shown(LINES)]).replace(b"/Size", lock + b"/Size")
    with pytest.raises(RecordError) as caught:
        read_pdf(locked, Pdf())
    assert caught.value.reason == "extract.pdf_encrypted"


def test_glyphs_without_letters_are_no_text() -> None:
    font = b"<</Type/Font/Subtype/Type0/BaseFont/Lost/Encoding/Identity-H>>"
    cut = document([b"BT /F 9 Tf 72 700 Td <%s> Tj ET" % (b"0024" * 60)])
    found = read_pdf(cut.replace(b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman"
                                 b"/Encoding/WinAnsiEncoding>>", font), Pdf())  # fmt: skip
    assert found.text.replace("\n", "").strip() == "" or "$" not in found.text


def test_salvaging_is_total() -> None:
    assert salvaged(b"") is None
    assert salvaged(b"1 0 obj" * 100_000) is None
    assert salvaged(b"/Type/Page " * 100_000) is None
    assert salvaged(b"9" * 1_000_000) is None
    assert is_pdf(b"junk %PDF-1.7")


# --- scans ---------------------------------------------------------------------------------


def test_scans_are_told() -> None:
    found = read_pdf(SCAN, Pdf())
    assert (found.text, found.scanned_pages) == ("", 1)
    strips = b"".join(b"q 600 0 0 80 0 %d cm /X Do Q " % (80 * at) for at in range(10))
    assert read_pdf(document([strips], more={1000: IMAGE}), Pdf()).scanned_pages == 1
    small = b"q 90 0 0 90 0 0 cm /X Do Q"
    assert read_pdf(document([small], more={1000: IMAGE}), Pdf()).scanned_pages == 0
    layer = b"q 600 0 0 800 0 0 cm /X Do Q " + shown(LINES)
    assert read_pdf(document([layer], more={1000: IMAGE}), Pdf()).text == TEXT


@pytest.fixture
def tesseract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A command of that name that says the lines, and writes down what it was given."""
    script = tmp_path / "bin" / "tesseract"
    script.parent.mkdir()
    said = "\n".join([*LINES, "", "Another paragraph."])
    script.write_text(
        "#!/bin/sh\n"
        'case "$1" in --list-langs) printf "List of available languages (1):\\neng\\n"; exit;;\n'
        '--version) echo "tesseract 5.9 stub"; exit;; esac\n'
        f'echo "$@" > {tmp_path}/arguments; head -c 15 > {tmp_path}/image; cat > /dev/null\n'
        f"cat <<'END'\n{said}\nEND\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    return tmp_path


def test_tesseract_reads_scans(tesseract: Path) -> None:
    found = read_pdf(SCAN, Pdf(ocr="tesseract"))
    assert found.text == f"{TEXT}\n\nAnother paragraph."
    assert found.scanned_pages == 1
    assert (tesseract / "arguments").read_text() == "stdin stdout -l eng\n"
    assert (tesseract / "image").read_bytes().startswith(b"P5 2500 3333 25")


def test_tesseract_is_part_of_what_the_text_depends_on(tesseract: Path) -> None:
    assert Pdf(ocr="tesseract").parameters()["libraries"]["tesseract"] == "tesseract 5.9 stub"
    assert set(Pdf().parameters()["libraries"]) == {"pypdfium2"}


def test_no_more_scans_are_read_than_allowed(tesseract: Path) -> None:
    two = document([b"q 600 0 0 800 0 0 cm /X Do Q"] * 2, more={1000: IMAGE})
    found = read_pdf(two, Pdf(ocr="tesseract", ocr_pages=1))
    assert found.text.count("Another") == 1
    assert found.scanned_pages == 2


def test_a_tesseract_that_fails_costs_the_record(tesseract: Path) -> None:
    (tesseract / "bin" / "tesseract").write_text("#!/bin/sh\necho 'no memory' >&2; exit 3\n")
    with pytest.raises(RecordError, match="ended with 3: no memory"):
        read_pdf(SCAN, Pdf(ocr="tesseract"))


def test_a_tesseract_that_is_missing_is_said_at_the_start(
    tesseract: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="tesseract-ocr-deu"):
        Pdf(ocr="tesseract", ocr_languages="eng+deu").check()
    Pdf(ocr="tesseract").check()
    monkeypatch.setenv("PATH", str(tesseract))
    with pytest.raises(ConfigError, match="not on PATH; install it"):
        Pdf(ocr="tesseract").check()


# --- the stage -----------------------------------------------------------------------------


def record(payload: bytes, **meta: str) -> RawRecord:
    return RawRecord("id", "http://mill.test/", Locator("a", 0, 1), payload, dict(meta))


def test_pdfs_are_told_by_their_bytes_or_their_type() -> None:
    inline = InlineExtractor(Extraction("resiliparse", pdf=Pdf()))
    found = inline.extract(record(many(1), truncated="length", content_type="text/html"))
    assert found.charset_source == "pdf"
    assert found.signals["pdf.truncated"] == "length"
    with pytest.raises(RecordError, match=r"pdf_broken: no %PDF- but b'<html>'"):
        inline.extract(record(b"<html>", content_type="application/pdf"))
    assert inline.extract(record(b"<p>A page.</p>")).text == "A page."


def test_scans_without_ocr_are_dropped_with_a_reason() -> None:
    found = InlineExtractor(Extraction(pdf=Pdf())).extract(record(SCAN))
    assert found.text is None
    assert found.verdict is not None
    assert found.verdict.reason == "extract.scanned_pages.high"
    assert found.signals["pdf.scanned_pages"] == 1.0


def test_the_bounds_of_texts_hold_for_pdfs() -> None:
    limits = Limits(max_text=10)
    found = InlineExtractor(Extraction(pdf=Pdf(), limits=limits)).extract(record(many(1)))
    assert found.verdict is not None
    assert found.verdict.reason == "extract.characters.high"


def test_the_specification_survives_the_pipe_and_counts() -> None:
    extraction = Extraction(pdf=Pdf(max_pages=7))
    assert Extraction.from_json(json.loads(json.dumps(extraction.to_json()))) == extraction
    assert extraction.parameters() != Extraction(pdf=Pdf()).parameters()
    assert "pdf" not in Extraction().parameters()


@pytest.mark.parametrize(
    "options",
    [{"max_pages": 0}, {"ocr": "abbyy"}, {"ocr_languages": "; rm"}, {"ocr_seconds": True},
     {"cpu_seconds": 0.1}, {"max_pages": 1.5}, {"ocr_languages": ""}],
)  # fmt: skip
def test_impossible_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=rf"pdf\.{next(iter(options))}"):
        Pdf(**options)  # type: ignore[arg-type]
