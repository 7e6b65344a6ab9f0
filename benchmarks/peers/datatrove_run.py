"""datatrove 0.10.1 with FineWeb's recipe (no MinHash) over WARC files, one worker.

Run by the interpreter of an environment that holds datatrove; see ``benchmarks/README.md``.
Steps and settings are those of datatrove's ``examples/fineweb.py``. Two things are taken out of
the network's hands: the language model and the public suffix list are read locally.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warc", required=True, help="folder of .warc.gz files")
    parser.add_argument("--out", required=True)
    parser.add_argument("--lid", required=True, help="lid.176 model file (.bin or .ftz)")
    parser.add_argument("--timeout", type=float, default=1.0, help="extraction, seconds a page")
    arguments = parser.parse_args()

    import tldextract

    plain = tldextract.TLDExtract
    tldextract.TLDExtract = lambda **options: plain(suffix_list_urls=(), **options)

    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
        LanguageFilter,
        URLFilter,
    )
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter
    from datatrove.utils.lid import FT176LID

    FT176LID.MODEL_URL = arguments.lid

    out = Path(arguments.out)
    dropped = str(out / "removed")
    executor = LocalPipelineExecutor(
        pipeline=[
            WarcReader(arguments.warc, glob_pattern="*.warc.gz", default_metadata={"dump": "x"}),
            URLFilter(exclusion_writer=JsonlWriter(f"{dropped}/1_url")),
            Trafilatura(favour_precision=True, timeout=arguments.timeout),
            LanguageFilter(
                languages=["en"],
                exclusion_writer=JsonlWriter(f"{dropped}/2_non_english"),
            ),
            GopherRepetitionFilter(exclusion_writer=JsonlWriter(f"{dropped}/3_gopher_rep")),
            GopherQualityFilter(exclusion_writer=JsonlWriter(f"{dropped}/4_gopher_qual")),
            C4QualityFilter(
                filter_no_terminal_punct=False,
                exclusion_writer=JsonlWriter(f"{dropped}/5_c4"),
            ),
            FineWebQualityFilter(exclusion_writer=JsonlWriter(f"{dropped}/6_fineweb_qual")),
            JsonlWriter(str(out / "output")),
        ],
        tasks=1,
        workers=1,
        logging_dir=str(out / "logs"),
        skip_completed=False,
    )
    stats = executor.run()
    steps = {step.name: {str(k): v.total for k, v in step.stats.items()} for step in stats.stats}
    print(json.dumps(steps))


if __name__ == "__main__":
    main()
