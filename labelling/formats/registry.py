"""The formats of an export, by their names on the command line: a new one is a file, and an entry here.

`FORMATS` are tables with all uploaded columns; `TOOLS` are what other tools read, written from `Records`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from labelling.formats.argilla import read_argilla, to_argilla
from labelling.formats.delimited import read_csv, to_csv, to_excel_csv
from labelling.formats.docbin import read_as_shown, to_docbin
from labelling.formats.doccano import to_doccano
from labelling.formats.fasttext import read_fasttext, to_fasttext
from labelling.formats.hugging_face import read_hugging_face, to_hugging_face
from labelling.formats.jsonl import read_jsonl, to_jsonl
from labelling.formats.label_studio import read_label_studio, to_label_studio
from labelling.formats.parquet import read_parquet, to_parquet
from labelling.formats.prodigy import to_prodigy
from labelling.formats.records import Records
from labelling.formats.training_csv import to_training_csv


@dataclass(frozen=True)
class Format:
    """How a table of labelled rows becomes a file.

    `write` makes its bytes, `read` gives back what stands in them, for a look at it. A `nested` one takes yes, no and
    unknown as one column of mappings. `tail` ends the file's name.
    """

    title: str
    about: str
    write: Callable[[pd.DataFrame], bytes]
    read: Callable[[bytes], pd.DataFrame]
    tail: str
    mime: str
    nested: bool = False


CSV, EXCEL, JSONL, PARQUET = "csv", "excel", "jsonl", "parquet"
FORMATS = {
    CSV: Format(
        "CSV for programs",
        "Plain UTF-8, every cell as it is. For scripts and tools.",
        to_csv,
        read_csv,
        "labelled.csv",
        "text/csv",
    ),
    EXCEL: Format(
        "CSV for Excel",
        "Accents read rightly. What Excel would run as a formula gets an apostrophe; uploaded as it is, it loses it.",
        to_excel_csv,
        read_csv,
        "labelled-excel.csv",
        "text/csv",
    ),
    JSONL: Format(
        "JSONL",
        "A JSON object a line. Numbers stay numbers.",
        to_jsonl,
        read_jsonl,
        "labelled.jsonl",
        "application/jsonl",
        nested=True,
    ),
    PARQUET: Format(
        "Parquet",
        "For pandas, Polars, DuckDB, Spark. Numbers and times keep their types.",
        to_parquet,
        read_parquet,
        "labelled.parquet",
        "application/vnd.apache.parquet",
    ),
}


@dataclass(frozen=True)
class Tool:
    """How a project's records become a file for another tool: as `Format`, of `Records` in place of a table.

    One that is to train with holds `only_labelled` texts.
    """

    title: str
    about: str
    write: Callable[[Records], bytes]
    read: Callable[[bytes], pd.DataFrame]
    tail: str
    mime: str
    only_labelled: bool = False


ZIP, LINES = "application/zip", "application/jsonl"
TOOLS = {
    "huggingface": Tool(
        "Hugging Face data set",
        "A .zip of Parquet and a README: unpacked, datasets.load_dataset gives the labels' names. Unlabelled is null.",
        to_hugging_face,
        read_hugging_face,
        "huggingface.zip",
        ZIP,
    ),
    "argilla": Tool(
        "Argilla",
        "A .zip of records and settings: labels as responses, what a model says as suggestions.",
        to_argilla,
        read_argilla,
        "argilla.zip",
        ZIP,
    ),
    "labelstudio": Tool(
        "Label Studio",
        "A .zip of tasks and the labelling configuration: labels as annotations, what a model says as predictions.",
        to_label_studio,
        read_label_studio,
        "labelstudio.zip",
        ZIP,
    ),
    "prodigy": Tool(
        "Prodigy",
        "JSONL for db-in: a choice a text, or accept and reject about each label. Unlabelled is ignore.",
        to_prodigy,
        read_jsonl,
        "prodigy.jsonl",
        LINES,
    ),
    "doccano": Tool(
        "doccano",
        "JSONL with a list of labels a text. Import it with column_label = label.",
        to_doccano, read_jsonl, "doccano.jsonl", LINES
    ),
    "spacy": Tool(
        "spaCy",
        "A DocBin of the labelled texts, to train textcat with. Unknown is left out of cats.",
        to_docbin,
        read_as_shown,
        "labelled.spacy",
        "application/octet-stream",
        only_labelled=True,
    ),
    "fasttext": Tool(
        "fastText",
        "A labelled text a line, behind its labels. Line breaks become spaces.",
        to_fasttext,
        read_fasttext,
        "fasttext.txt",
        "text/plain",
        only_labelled=True,
    ),
    "training": Tool(
        "SetFit, scikit-learn",
        "CSV of text and label to train with: only the labelled texts, every cell as it is.",
        to_training_csv,
        read_csv,
        "training.csv",
        "text/csv",
        only_labelled=True,
    ),
}  # fmt: skip


def every() -> dict[str, Format | Tool]:
    """All formats by their names on the command line: the plain ones first."""
    return {**FORMATS, **TOOLS}
