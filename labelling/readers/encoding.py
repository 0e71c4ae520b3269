"""Bytes to text: Unicode where it is, else the legacy encoding that the text most likely has."""

import codecs
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from labelling.dataset import Offer, ReadError, ReadOptions
from labelling.readers.tables import READABLE, SAMPLE_ROWS, count, numbered

BOMS = (  # UTF-32 before UTF-16: the one's mark begins with the other's.
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8 with BOM"),
    (b"\xff\xfe\0\0", "utf-32", "UTF-32"),
    (b"\0\0\xfe\xff", "utf-32", "UTF-32"),
    (b"\xff\xfe", "utf-16", "UTF-16"),
    (b"\xfe\xff", "utf-16", "UTF-16"),
)
# The legacy encodings that people still save tables in. Left to all it knows, charset-normalizer finds
# rare code pages in short texts.
_LEGACY = ["cp1252", "cp1250", "cp1251", "cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1253", "cp1254",
           "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "koi8_r", "mac_roman", "iso8859_2"]  # fmt: skip
_SHOWN = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16 LE",
          "utf-16-be": "UTF-16 BE", "utf-32": "UTF-32", "utf-32-le": "UTF-32 LE", "utf-32-be": "UTF-32 BE"}  # fmt: skip
# Python counts them as encodings of text, but no file is saved in them.
_NOT_FOR_FILES = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r"))
_SHOWN_LINES, _SHOWN_CHARS = 5, 200


def decode(data: bytes, options: ReadOptions = ReadOptions()) -> tuple[str, str, list[str]]:
    """The text, what its encoding is called on the page, and notes.

    Without `options.encoding` the encoding is found out. Raises ReadError where the bytes are no text, mix
    encodings, aren't in the encoding they are said to have, or have one that can't be found out; where they can
    be read all the same, the error offers it.
    """
    if options.encoding is not None:
        return _decode_as(data, options.encoding, options)
    for mark, codec, shown in BOMS:
        if data.startswith(mark):
            try:
                return data.decode(codec), shown, []
            except UnicodeDecodeError as error:
                where = _where(error, codec)
                message = f"The file begins as {shown}, but {where} isn't. Save it as UTF-8."
                plain = "utf-8" if codec == "utf-8-sig" else codec
                others = [*_guess(data), "cp1252"] if plain == "utf-8" else []
                text, _, notes = _replaced_or_refused(data, plain, message, options, others)
                return text, shown, notes
    n_zeros = data.count(0)
    if n_zeros and (unmarked := _unmarked(data, n_zeros)):
        shown = _SHOWN[unmarked]
        try:
            return data.decode(unmarked), shown, [f"There is no byte order mark; the file reads as {shown}."]
        except UnicodeDecodeError as error:
            message = f"The file reads as {shown}, but {_where(error, unmarked)} doesn't: it may be cut off."
            return _replaced_or_refused(data, unmarked, message, options, [])
    if n_zeros <= len(data) // 4:  # More of them, and it isn't text even where it happens to be UTF-8.
        try:
            return data.decode("utf-8"), "UTF-8", []
        except UnicodeDecodeError as error:
            if n_zeros <= len(data) // 1000:
                return _decode_legacy(data, error, options)
    raise ReadError(f"The file is binary, not text. Upload a table: {READABLE}; save text as UTF-8.")


def _unmarked(data: bytes, n_zeros: int) -> str | None:
    """UTF-32 or UTF-16 without a mark, known by its line breaks and by characters that people write."""
    n_controls = len(data) - len(data.translate(None, _CONTROLS))
    if 4 * n_controls < len(data) and _is_utf_8(data):  # A text with a null or two in it.
        return None
    if n_zeros >= len(data) // 4:
        for codec in ("utf-32-le", "utf-32-be"):
            if len(data) % 4 == 0 and _is_written(data, codec):
                return codec
    n_feeds = data.count(b"\n")
    for codec, unit in (("utf-16-le", "<u2"), ("utf-16-be", ">u2")):
        units = np.frombuffer(data, dtype=unit, count=len(data) // 2)
        # Text in another encoding has line feeds too, but no zeros beside them.
        whole = 2 * np.count_nonzero(units == ord("\n")) > n_feeds if n_feeds else 4 * n_zeros >= len(data)
        if whole and _is_written(data, codec):
            return codec
    return None


def _is_written(data: bytes, codec: str) -> bool:
    """Whether the start of this, so decoded, holds next to nothing but assigned characters."""
    start = codecs.getincrementaldecoder(codec)("replace").decode(data[:100_000])  # It may end within a character.
    odd = sum(unicodedata.category(char) in ("Cc", "Cn", "Co", "Cs") and char not in "\t\n\r" for char in start)
    return (odd + start.count("\ufffd")) * 200 <= len(start)


def _decode_as(data: bytes, name: str, options: ReadOptions) -> tuple[str, str, list[str]]:
    try:
        codec = codecs.lookup(name).name
        b"text".decode(codec, "ignore")  # A LookupError for base64 and other codecs that don't make text.
        if codec in _NOT_FOR_FILES:
            raise LookupError
    except (LookupError, ValueError):
        message = f"There is no encoding {name[:40]!r} for text files. Choose another, such as utf-8, cp1252 or cp1251."
        raise ReadError(message, offers=_that_decodes(data, ["utf-8", *_guess(data)], options)) from None
    wide = codec.startswith(("utf-16", "utf-32"))
    marked = data.startswith(b"\xef\xbb\xbf") and not wide
    shown = _SHOWN.get(codec, codec)
    if marked and shown == "UTF-8":
        shown = "UTF-8 with BOM"
    body = data.removeprefix(b"\xef\xbb\xbf") if marked else data
    try:
        return body.decode(codec).removeprefix("\ufeff" if wide else ""), shown, []
    except UnicodeDecodeError as error:
        message = f"The file isn't all {_SHOWN.get(codec, codec)}: {_where(error, codec)} isn't."
        others = [other for other in ("utf-8", *_guess(data)) if other != codec]
        text, _, notes = _replaced_or_refused(body, codec, message, options, others)
        return text.removeprefix("\ufeff" if wide else ""), shown, notes


def _decode_legacy(data: bytes, error: UnicodeDecodeError, options: ReadOptions) -> tuple[str, str, list[str]]:
    telling = [line for line in data.split(b"\n") if not line.isascii()]
    n_bad = sum(not _is_utf_8(line) for line in telling)
    n_good = len(telling) - n_bad
    guessed = _guess(data)
    # By chance a line in a legacy encoding is UTF-8 too, though hardly ever in a Western one.
    if n_good > n_bad // 10 or (n_good and guessed[:1] == ["cp1252"]):
        like = f", which looks like {guessed[0]}" if guessed else ""
        message = (
            f"The file mixes encodings: {count(n_good, 'line')} with accents or other scripts as UTF-8, and "
            f"{count(n_bad, 'line')} that can't be UTF-8. The first is {_where(error, 'utf-8')}{like}. Save "
            "the whole file as UTF-8 and upload it again."
        )
        return _replaced_or_refused(data, "utf-8", message, options, [*guessed, "cp1252"])
    for codec in guessed:
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        note = f"The encoding isn't UTF-8. It looks like {codec}: check that accents read rightly."
        return text, codec, [note]
    message = (
        f"The file's encoding can't be found out: {_where(error, 'utf-8')} isn't UTF-8. If it is a text file, "
        f"save it as UTF-8 and upload it again; otherwise upload a table: {READABLE}."
    )
    return _replaced_or_refused(data, "utf-8", message, options, guessed)


def _guess(data: bytes) -> list[str]:
    """The legacy encodings that the lines which aren't UTF-8 may have, the likeliest first; none if all are."""
    from charset_normalizer import from_bytes

    bad = [line for line in data.split(b"\n") if not line.isascii() and not _is_utf_8(line)]
    matches = list(from_bytes(b"\n".join(bad[:SAMPLE_ROWS]), cp_isolation=_LEGACY)) if bad else []
    guessed = [match.encoding for match in matches]
    # Texts fit many encodings about equally well; then it is the most common one, if it reads as well as language.
    for match in matches:
        near = match.chaos <= matches[0].chaos + 0.15 and match.coherence >= matches[0].coherence - 0.01
        if near and "cp1252" in match.could_be_from_charset:
            guessed.insert(0, "cp1252")
            break
    return list(dict.fromkeys(guessed))


def _is_utf_8(line: bytes) -> bool:
    return line.decode("utf-8", "ignore").encode() == line


def _that_decodes(data: bytes, names: Iterable[str], options: ReadOptions) -> list[Offer]:
    """An offer of the first of these encodings that the whole file can be read in."""
    for name in names:
        try:
            data.decode(name)
        except UnicodeDecodeError:
            continue
        read = replace(options, encoding=name, replace_bad_bytes=False)
        return [Offer(f"Read all as {_SHOWN.get(name, name)}", read)]
    return []


def _replaced_or_refused(
    data: bytes, codec: str, message: str, options: ReadOptions, others: Iterable[str]
) -> tuple[str, str, list[str]]:
    """Each sequence of bytes that `codec` doesn't know as U+FFFD where that was asked for, else the refusal."""
    text, kept = data.decode(codec, "replace"), data.decode(codec, "ignore")
    places = []
    n_replaced = 0
    for number, (line, without) in enumerate(zip(text.split("\n"), kept.split("\n"), strict=False), start=1):
        if len(line) > len(without):
            places.append((number, line))
            n_replaced += len(line) - len(without)
    shown = _SHOWN.get(codec, codec)
    where = numbered("line", [number for number, _ in places])
    if options.replace_bad_bytes:
        was = "was" if n_replaced == 1 else "were"
        note = f"{count(n_replaced, 'character')} that can't be {shown} {was} replaced by \ufffd, in {where}."
        return text.removeprefix("\ufeff"), shown, [note]
    read = replace(options, encoding=codec, replace_bad_bytes=True)
    offers = [Offer(f"Read it as {shown}, replace {count(n_replaced, 'character')} in {where}", read)]
    lines = [f"Line {number:,}: {_round(line)}" for number, line in places[:_SHOWN_LINES]]
    raise ReadError(message, offers=[*offers, *_that_decodes(data, others, options)], lines=lines)


def _round(line: str) -> str:
    """The line, or what of it stands round the first character that was replaced."""
    first = max(0, line.find("\ufffd") - _SHOWN_CHARS // 2)
    cut = line[first : first + _SHOWN_CHARS].rstrip("\r")
    return ("…" if first else "") + cut + ("…" if first + _SHOWN_CHARS < len(line) else "")


def _where(error: UnicodeDecodeError, codec: str) -> str:
    line = error.object[: error.start].decode(codec, "ignore").count("\n") + 1
    return f"line {line:,}, byte 0x{error.object[error.start]:02X}"
