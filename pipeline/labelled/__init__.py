"""Labelled texts: from files to checked, deduplicated examples, split by groups.

    from pipeline.labelled import prepare
    prepared = prepare(["relevant=seeds.jsonl", "other=crawl.jsonl"], positive="relevant")

What comes of it trains and judges classifiers; none is known here.
"""

from pipeline.labelled.inputs import Input
from pipeline.labelled.labels import check_labels, label_counts, rename_labels
from pipeline.labelled.prepare import Prepared, prepare
from pipeline.labelled.read import Labelled, RowFault, read_labelled, schema_of
from pipeline.labelled.repeats import Repeat, Repeats, take_out_repeats
from pipeline.labelled.rows import Columns
from pipeline.labelled.split import SHARES, check_split, folds, split_groups

__all__ = [
    "SHARES",
    "Columns",
    "Input",
    "Labelled",
    "Prepared",
    "Repeat",
    "Repeats",
    "RowFault",
    "check_labels",
    "check_split",
    "folds",
    "label_counts",
    "prepare",
    "read_labelled",
    "rename_labels",
    "schema_of",
    "split_groups",
    "take_out_repeats",
]
