"""A folder of a Hugging Face data set as one .zip: Parquet, and a README whose head tells the labels' names.

``datasets.load_dataset(folder)`` gives the names back (``ClassLabel``); they stand in the README, as
https://huggingface.co/docs/hub/datasets-cards has it, and in the Parquet file's schema, under ``huggingface``.
"""

import io
import json
import re
import zipfile
from typing import Any

import numpy as np
import pandas as pd

from labelling.formats.archive import from_zip, to_zip
from labelling.formats.frames import as_json, values_of
from labelling.formats.records import ORIGINS, Records
from labelling.readers.exported import NESTED

DATA, CARD = "data/{}-00000-of-00001.parquet", "README.md"
ALL, REST = "train", "unlabelled"  # the split of everything where there are no parts; what is in none of them
# What a YAML file can't hold as it is (YAML 1.2, section 5.1), and what may not stand in a line of it.
_UNPRINTABLE = re.compile("[^ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def to_hugging_face(records: Records) -> bytes:
    """``data/train-….parquet`` and ``README.md``; a file for each part, where there are parts.

    ``label`` is the place of its name, null for unlabelled. With yes, no and unknown it is the list of those that are
    yes, beside ``cats``, a struct of 1, 0 or null for each label.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, tuple[Any, Any]] = {"text": (pa.array(records.texts, pa.string()), _value("string"))}
    columns["row"] = (pa.array(records.rows, pa.int64()), _value("int64"))
    for name, values in records.metadata.items():
        columns[str(name)] = _column(values)
    columns |= _labels(records)
    for name in ORIGINS:
        kind = "float64" if name in ("wrong_share", "score") else "string"
        values = [None if value is None or value != value else value for value in records.origins.get(name, ())]
        found = values or [None] * len(records)
        columns[name] = (pa.array(found, pa.float64() if kind == "float64" else pa.string()), _value(kind))
    features = {name: feature for name, (_, feature) in columns.items()}
    table = pa.table({name: array for name, (array, _) in columns.items()})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    files: dict[str, bytes | str] = {}
    splits = [ALL] if records.split is None else [part or REST for part in records.split]
    parts = list(dict.fromkeys(splits))
    for part in parts:
        some = table if records.split is None else table.filter(pa.array([each == part for each in splits]))
        out = io.BytesIO()
        pq.write_table(some, out)
        files[DATA.format(part)] = out.getvalue()
    return to_zip({**files, CARD: _card(records, features, parts)})


def read_hugging_face(content: bytes) -> pd.DataFrame:
    """The values as they stand in the Parquet files."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if name != CARD]
    return pd.concat([pd.read_parquet(io.BytesIO(from_zip(content, name))) for name in names], ignore_index=True)


def _value(kind: str) -> dict[str, Any]:
    return {"dtype": kind, "_type": "Value"}


def _column(values: pd.Series) -> tuple[Any, Any]:
    import pyarrow as pa

    kinds = {"i": ("int64", pa.int64()), "f": ("float64", pa.float64()), "b": ("bool", pa.bool_())}
    kind, arrow = kinds.get(getattr(values.dtype, "kind", "O"), ("string", pa.string()))
    found = values_of(values)
    if kind == "string":
        found = [None if value is None else str(as_json(value)) for value in found]
    return pa.array(found, arrow), _value(kind)


def _labels(records: Records) -> dict[str, tuple[Any, Any]]:
    import pyarrow as pa

    feature = {"names": list(records.names), "_type": "ClassLabel"}
    if not records.multi_label:
        codes = np.asarray(records.codes, np.int64)
        return {"label": (pa.array(codes, pa.int64(), mask=codes < 0), feature)}
    yes = [np.flatnonzero(row == 1).tolist() for row in records.codes]
    found: dict[str, tuple[Any, Any]] = {
        "label": (pa.array(yes, pa.list_(pa.int64())), {"feature": feature, "_type": "List"})
    }
    if records.names:
        arrays = [
            pa.array(values.astype(np.int8), pa.int8(), mask=values < 0) for values in np.asarray(records.codes).T
        ]
        cats = pa.StructArray.from_arrays(arrays, names=list(records.names))
        found[NESTED] = (cats, {name: _value("int8") for name in records.names})
    return found


def _card(records: Records, features: dict[str, Any], parts: list[str]) -> str:
    n_known = int((np.asarray(records.codes) >= 0).reshape(len(records), -1).any(axis=1).sum()) if len(records) else 0
    size = next((said for most, said in _SIZES if len(records) < most), "n>1M")
    head = [
        "task_categories:",
        "- text-classification",
        f"pretty_name: {_quoted(records.title)}",
        "size_categories:",
        f"- {size}",
        "configs:",
        "- config_name: default",
        "  data_files:",
        *(line for part in parts for line in (f"  - split: {part}", f"    path: data/{part}-*")),
        "dataset_info:",
        "  features:",
        *(line for name, feature in features.items() for line in _feature(name, feature, "  ")),
    ]
    body = f"{len(records):,} texts, {n_known:,} of them labelled in Corral."
    return "---\n" + "\n".join(head) + f"\n---\n\n{body}\n"


def _feature(name: str, feature: dict[str, Any], indent: str) -> list[str]:
    lines = [f"{indent}- name: {_quoted(name)}"]
    kind = feature.get("_type")
    if kind == "Value":
        return [*lines, f"{indent}  dtype: {feature['dtype']}"]
    if kind == "ClassLabel":
        return [*lines, f"{indent}  dtype:", *_class_label(feature, f"{indent}    ")]
    if kind == "List":
        return [*lines, f"{indent}  list:", *_class_label(feature["feature"], f"{indent}    ")]
    lines.append(f"{indent}  struct:")
    return lines + [line for part, value in feature.items() for line in _feature(part, value, f"{indent}  ")]


def _class_label(feature: dict[str, Any], indent: str) -> list[str]:
    names = [f"{indent}    '{place}': {_quoted(name)}" for place, name in enumerate(feature["names"])]
    # A list of no names would be read as none given.
    return [f"{indent}class_label:", f"{indent}  names:{'' if names else ' {}'}", *names]


def _quoted(text: str) -> str:
    """A text as YAML writes it in double quotes, on one line."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\U{ord(found[0]):08x}", quoted)
