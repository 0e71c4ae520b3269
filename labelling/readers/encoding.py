"""Bytes to text: Unicode where it is, else the legacy encoding that the text most likely has."""

from labelling.dataset import ReadError
from labelling.readers.tables import READABLE, SAMPLE_ROWS, count

_BOMS = (  # UTF-32 before UTF-16: the one's mark begins with the other's.
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


def decode(data: bytes) -> tuple[str, str, list[str]]:
    """The text, what its encoding is called on the page, and notes.

    Raises ReadError where the bytes are no text, mix encodings, or have one that can't be found out.
    """
    for mark, codec, shown in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(codec), shown, []
            except UnicodeDecodeError as error:
                where = _where(error)
                raise ReadError(f"The file begins as {shown}, but {where} isn't. Save it as UTF-8.") from None
    n_zeros = data.count(0)
    if n_zeros <= len(data) // 4:  # More of them, and it isn't text even where it happens to be UTF-8.
        try:
            return data.decode("utf-8"), "UTF-8", []
        except UnicodeDecodeError as error:
            if not n_zeros:
                return _decode_legacy(data, error)
    raise ReadError(f"The file is binary, not text. Upload a table: {READABLE}; save text as UTF-8.")


def _decode_legacy(data: bytes, error: UnicodeDecodeError) -> tuple[str, str, list[str]]:
    from charset_normalizer import from_bytes

    telling = [line for line in data.split(b"\n") if not line.isascii()]
    bad = [line for line in telling if line.decode("utf-8", "ignore").encode() != line]
    n_good = len(telling) - len(bad)
    matches = list(from_bytes(b"\n".join(bad[:SAMPLE_ROWS]), cp_isolation=_LEGACY))
    codecs = [match.encoding for match in matches]
    # Short texts fit many encodings equally well; then it is the most common one.
    tied = {codec for m in matches if m.chaos == matches[0].chaos for codec in m.could_be_from_charset}
    if "cp1252" in tied:
        codecs.insert(0, "cp1252")
    # By chance a line in a legacy encoding is UTF-8 too, though hardly ever in a Western one.
    if n_good > len(bad) // 10 or (n_good and codecs[:1] == ["cp1252"]):
        like = f", which looks like {codecs[0]}" if codecs else ""
        raise ReadError(
            f"The file mixes encodings: {count(n_good, 'line')} with accents or other scripts as UTF-8, and "
            f"{count(len(bad), 'line')} that can't be UTF-8. The first is {_where(error)}{like}. Save "
            "the whole file as UTF-8 and upload it again."
        )
    for codec in codecs:
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        note = f"The encoding isn't UTF-8. It looks like {codec}: check that accents read rightly."
        return text, codec, [note]
    raise ReadError(
        f"The file's encoding can't be found out: {_where(error)} isn't UTF-8. If it is a text file, "
        f"save it as UTF-8 and upload it again; otherwise upload a table: {READABLE}."
    )


def _where(error: UnicodeDecodeError) -> str:
    line = error.object.count(b"\n", 0, error.start) + 1
    return f"line {line:,}, byte 0x{error.object[error.start]:02X}"
