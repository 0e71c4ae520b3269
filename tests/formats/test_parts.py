"""Files written part by part: the same as in one go, whatever the parts hold."""

import io
from pathlib import Path

import pandas as pd
import pytest

from labelling.formats.delimited import to_excel_csv
from labelling.formats.jsonl import read_jsonl, to_jsonl
from labelling.formats.parts import WRITERS, Columns

PARTS = [
    pd.DataFrame({"text": pd.Series(["=a", None], dtype="str"), "n": [1, 2], "mixed": [1, 2], "big": [2**60, 1]}),
    pd.DataFrame({"text": ["b"], "n": [None], "mixed": pd.Series(["x"], dtype="str"), "big": [1.5], "late": [True]}),
    pd.DataFrame({"text": ["c"], "n": [0.5], "mixed": [3], "big": [2]}),
]


def written(ending: str, parts: list[pd.DataFrame] = PARTS) -> bytes:
    columns = Columns()
    for part in parts:
        columns.see(part)
    file = io.BytesIO()
    WRITERS[ending](file, iter(parts), columns)
    return file.getvalue()


def test_a_type_for_all_parts() -> None:
    found = pd.read_parquet(io.BytesIO(written(".parquet")))
    assert found.columns.tolist() == ["text", "n", "mixed", "big", "late"]
    assert found["n"].tolist()[:2] + found["n"].tolist()[3:] == [1, 2, 0.5]
    assert found["mixed"].tolist() == ["1", "2", "x", "3"]
    assert found["big"].tolist() == [str(2**60), "1", "1.5", "2"], "no float holds it"
    assert found["late"].isna().tolist() == [True, True, False, True]


def test_lines_are_as_those_of_the_whole() -> None:
    same = [PARTS[0], PARTS[0]]
    whole = pd.concat(same, ignore_index=True)
    assert written(".csv", same) == to_excel_csv(whole)
    assert written(".jsonl", same) == to_jsonl(whole)
    assert b'"\'=a"' in written(".csv"), "guarded"
    assert read_jsonl(written(".jsonl"))["text"].tolist()[0] == "=a"


@pytest.mark.parametrize("kind", ["timestamp", "categorical", "bool", "nested"])
def test_kinds_come_back(tmp_path: Path, kind: str) -> None:
    values = {
        "timestamp": pd.to_datetime(["2026-01-02", None], utc=True),
        "categorical": pd.Categorical(["a", None]),
        "bool": pd.array([True, None], "boolean"),
        "nested": pd.Series(['["a"]', None], dtype="str"),
    }[kind]
    part = pd.DataFrame({"x": values})
    found = pd.read_parquet(io.BytesIO(written(".parquet", [part, part, part.iloc[1:]])))
    assert found["x"].isna().tolist() == [False, True, False, True, True]
    assert found["x"].dropna().astype(str).tolist() == part["x"].dropna().astype(str).tolist() * 2
