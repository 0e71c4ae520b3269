"""spaCy's DocBin of docs with ``cats``, written without spaCy; see `labelling.readers.docbin` for its shape.

The docs have plain tokens, words and what stands between them, so that each doc's text is the text. For training that
does: ``textcat`` learns from what the pipeline's own tokenizer makes of the texts, and takes only the cats from here.
"""

import re
import struct
import zlib
from typing import Any

import numpy as np
import pandas as pd

from labelling.formats.records import FormatError, Record, Records
from labelling.readers.docbin import ORTH, hash_of, read_docbin

_TOKEN = re.compile(r"\w+|[^\w\s]|\s+")
_MAX_BYTES = 2**32 - 1  # of MessagePack's longest string of bytes


def to_docbin(records: Records) -> bytes:
    """A doc for each labelled text. An unknown is left out of ``cats``: it does not count in spaCy's loss.

    Where labels exclude each other (``textcat``) every name is in, and one is 1.0; else ``textcat_multilabel``. Raises
    FormatError where labels exclude each other and there is only one, or what is to be written is too large.
    """
    if not records.multi_label and len(records.names) < 2:
        raise FormatError(
            f"spaCy's textcat needs at least two labels, and there are {len(records.names)}: make another on the page "
            "Label, or choose another format."
        )
    strings: dict[str, int] = {}
    hashes: list[int] = []
    spaces = bytearray()
    lengths: list[int] = []
    cats: list[dict[str, float]] = []
    for record in records:
        if record.known:
            words = _words(record.text)
            for word, _ in words:
                if word not in strings:
                    strings[word] = hash_of(word)
                hashes.append(strings[word])
            spaces += bytes(spaced for _, spaced in words)
            lengths.append(len(words))
            cats.append(_cats(record, records))
    for name in records.names:
        strings.setdefault(name, 0)
    if 8 * len(hashes) > _MAX_BYTES:
        raise FormatError(
            f"The texts have {len(hashes):,} words, more than spaCy's DocBin can hold: export the labelled in parts."
        )
    content = {
        "version": "0.1",
        "attrs": [ORTH],
        "tokens": np.array(hashes, "<u8").tobytes(),
        "spaces": bytes(spaces),
        "lengths": np.array(lengths, "<i4").tobytes(),
        "strings": sorted(strings),
        "cats": cats,
        "flags": [{"has_unknown_spaces": False}] * len(lengths),
        "span_groups": [b"\x90"] * len(lengths),
    }
    return zlib.compress(_packed(content))


def read_as_shown(content: bytes) -> pd.DataFrame:
    """The texts and cats of the docs in the file."""
    found = read_docbin(content)
    return pd.DataFrame() if found is None else found.frame


def _words(text: str) -> list[tuple[str, bool]]:
    """Tokens, and whether a space follows each, that give the text when joined."""
    words: list[tuple[str, bool]] = []
    for match in _TOKEN.finditer(text):
        word = match[0]
        if word.startswith(" ") and words and not words[-1][0].isspace():
            words[-1] = (words[-1][0], True)
            word = word[1:]
        if word:
            words.append((word, False))
    return words


def _cats(record: Record, records: Records) -> dict[str, float]:
    if records.multi_label:
        return {name: float(value) for name, value in record.cats.items()}
    return {name: float(name == record.label) for name in records.names}


def _packed(value: Any) -> bytes:
    """MessagePack of plain values: the longest form of each, which every reader takes."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if isinstance(value, str):
        data = value.encode()
        short = bytes([0xA0 | len(data)]) if len(data) < 32 else b"\xdb" + struct.pack(">I", len(data))
        return short + data
    if isinstance(value, dict):
        parts = [_packed(part) for pair in value.items() for part in pair]
        return b"\xdf" + struct.pack(">I", len(value)) + b"".join(parts)
    return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(_packed, value))
