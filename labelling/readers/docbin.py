"""spaCy's .spacy files (DocBin): what is in one, read without spaCy.

A DocBin is MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) packed with zlib: the tokens of all
docs as 64-bit hashes, all strings once, and ``cats`` for each doc; see https://spacy.io/api/docbin. A string's hash is
MurmurHash64A by A. Appleby (public domain) with the seed 1.
"""

import json
import struct
import zlib
from typing import Any

import numpy as np
import pandas as pd

from labelling.dataset import ReadError, Table
from labelling.readers.tables import FEWER, MAX_UNPACKED, check_chars, check_size, check_unpacked, count

ORTH, SPACY = 65, 67  # the attributes of tokens that are its text, and whether a space follows
_MASK, _M, _SEED = 2**64 - 1, 0xC6A4A7935BD1E995, 1
_MAX_DEPTH = 20
# Values in one file, of which a list or object counts as eight: a million docs with ten labels each. Small ones take
# many times their bytes in memory.
_MAX_VALUES, _OBJECT = 60_000_000, 8
_NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h",
            0xD2: ">i", 0xD3: ">q"}  # fmt: skip
# What has its length before it: how long that is, and what it is the length of.
_SIZED = {0xC4: (1, bytes), 0xC5: (2, bytes), 0xC6: (4, bytes), 0xD9: (1, str), 0xDA: (2, str), 0xDB: (4, str),
          0xDC: (2, list), 0xDD: (4, list), 0xDE: (2, dict), 0xDF: (4, dict)}  # fmt: skip


def hash_of(string: str) -> int:
    """The 64-bit number under which spaCy knows a string; 0 for the empty one."""
    data = string.encode()
    if not data:
        return 0
    found = _SEED ^ (len(data) * _M & _MASK)
    whole = len(data) // 8 * 8
    for (k,) in struct.iter_unpack("<Q", data[:whole]):
        k = k * _M & _MASK
        k = (k ^ k >> 47) * _M & _MASK
        found = (found ^ k) * _M & _MASK
    if whole < len(data):
        found = (found ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    found = (found ^ found >> 47) * _M & _MASK
    return found ^ found >> 47


class _MessagePack:
    """Plain values of MessagePack. Raises ValueError for what is damaged, extensions, and what is nested deeply."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place, self.n_values = data, 0, 0

    def take(self, n: int) -> bytes:
        found = self.data[self.place : self.place + n]
        if len(found) < n:
            raise ValueError("it is cut off")
        self.place += n
        return found

    def value(self, depth: int = 0) -> Any:
        if depth > _MAX_DEPTH:
            raise ValueError("it is nested too deeply")
        self.n_values += 1
        if self.n_values > _MAX_VALUES:
            raise ReadError(f"The file is spaCy's (DocBin), and holds more than can be read. {FEWER}")
        code = self.take(1)[0]
        if code < 0x80:
            return code
        if code >= 0xE0:
            return code - 256
        if code in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[code]
        if code in _NUMBERS:
            return struct.unpack(_NUMBERS[code], self.take(struct.calcsize(_NUMBERS[code])))[0]
        if code in _SIZED:
            n_bytes, kind = _SIZED[code]
            return self._sized(kind, int.from_bytes(self.take(n_bytes), "big"), depth)
        if code < 0xC0:
            kind = dict if code < 0x90 else list if code < 0xA0 else str
            return self._sized(kind, code & (0x1F if kind is str else 0x0F), depth)
        raise ValueError("it holds what spaCy does not write")

    def _sized(self, kind: type, n: int, depth: int) -> Any:
        if kind is bytes:
            return self.take(n)
        if kind is str:
            return self.take(n).decode()
        if n > len(self.data) - self.place:
            raise ValueError("it is cut off")
        self.n_values += _OBJECT
        if kind is list:
            return [self.value(depth + 1) for _ in range(n)]
        found = {}
        for _ in range(n):
            key = self.value(depth + 1)
            if not isinstance(key, str | int):
                raise ValueError("it holds what spaCy does not write")
            found[key] = self.value(depth + 1)
        return found


def unpacked(data: bytes, max_bytes: int = MAX_UNPACKED) -> dict[str, Any] | None:
    """What a DocBin holds; None where this is none. Raises ReadError where it is damaged or too large."""
    unpacker = zlib.decompressobj()
    try:
        start = unpacker.decompress(data, 100)
        if not (b"\xa7version" in start[:20] and b"\xa5attrs" in start):
            return None
        rest = unpacker.decompress(unpacker.unconsumed_tail, max_bytes)
    except zlib.error:
        return None
    check_unpacked(max_bytes + 1 if unpacker.unconsumed_tail else 0)
    try:
        if not unpacker.eof:
            raise ValueError("it is cut off")
        found = _MessagePack(start + rest).value()
    except ReadError:
        raise
    except (ValueError, struct.error) as error:
        raise ReadError(f"The file is spaCy's (DocBin), but is damaged: {error}. Write it again.") from None
    return found if isinstance(found, dict) else None


def read_docbin(data: bytes) -> Table | None:
    """A row for each doc: ``text``, and ``label`` where of all its cats one is 1, else ``cats``; None for other files.

    Raises ReadError where it is damaged, or cats are probabilities: what a model said is no label.
    """
    found = unpacked(data)
    if found is None:
        return None
    try:
        texts = _texts(found)
        cats = [{str(name): float(value) for name, value in each.items()} for each in found.get("cats") or []]
        if len(cats) not in (0, len(texts)):
            raise ValueError("it has cats for other docs than it holds")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReadError(f"The file is spaCy's (DocBin), but can't be read: {error}. Write it again.") from None
    cats = cats or [{}] * len(texts)
    for row, each in enumerate(cats):
        for name, value in each.items():
            if value not in (0, 1):
                raise ReadError(
                    f"The file is spaCy's (DocBin): in doc {row + 1:,} {name[:40]!r} is {value:.3g}, as a model writes "
                    "it. A label must be 1 (yes) or 0 (no), or left out for unknown: write docs that people labelled."
                )
    frame = pd.DataFrame({"text": pd.Series(texts, dtype="str")})
    names = {name for each in cats for name in each}
    # Of labels that exclude each other every name is there, and one of them is 1.
    single = len(names) > 1 and all(not each or (len(each) == len(names) and sum(each.values()) == 1) for each in cats)
    if single:
        label = [next((name for name, value in each.items() if value), None) for each in cats]
        frame["label"] = pd.Series(label, dtype="str")
    elif names:
        cells = [
            json.dumps({name: int(value) for name, value in each.items()}, ensure_ascii=False) if each else None
            for each in cats
        ]
        frame["cats"] = pd.Series(cells, dtype="str")
    n_known = sum(bool(each) for each in cats)
    notes = (f"A spaCy data set: {count(len(texts), 'doc')}, {n_known:,} with cats.",)
    return Table(frame, "a DocBin", notes=notes, label="label" if "label" in frame else None)


def _texts(found: dict[str, Any]) -> list[str]:
    attrs = found["attrs"]
    lengths = np.frombuffer(found["lengths"], "<i4")
    check_size(len(lengths), 2)
    tokens = np.frombuffer(found["tokens"], "<u8").reshape(-1, len(attrs))[:, attrs.index(ORTH)].tolist()
    spaces = np.frombuffer(found["spaces"], bool).tolist()
    if (lengths < 0).any() or lengths.sum() != len(tokens) or len(spaces) != len(tokens):
        raise ValueError("its docs have other tokens than it holds")
    words = {hash_of(string): string for string in found["strings"]}
    n_chars = sum(len(words[token]) + 1 for token in tokens)
    check_chars(n_chars)
    texts, place = [], 0
    for n in lengths.tolist():
        part = range(place, place + n)
        texts.append("".join(words[tokens[at]] + " " * spaces[at] for at in part))
        place += n
    return texts
