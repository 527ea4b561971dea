"""How a text file is written: separator and encoding, guessed from its first bytes."""

import re
from collections import Counter

from veracity.data.csv_cells import UnpairedQuote, split_cells, strip_newline
from veracity.data.splitting import split_records
from veracity.data.text import TextFormat

SEPARATORS = ",;\t|"
_RECORDS = 1_000
# Letters of Vietnamese that windows-1258 has and windows-1252 reads as something rare: the tone marks
# after a vowel, and đ, ơ, ư.
_VIETNAMESE = re.compile(
    rb"[aeiouyAEIOUY\xc2\xc3\xca\xd4\xd5\xdd\xe2\xe3\xea\xf4\xf5\xfd][\xcc\xd2\xde\xec\xf2]"
)


def sniff(head: bytes, is_tsv: bool) -> tuple[TextFormat, tuple[str, ...]]:
    """Guess separator and encoding of a CSV file from its first bytes; whole records only.

    Returns
    -------
    format, why
        ``why`` says in words what led to the guess.
    """
    encoding, fallback, why_encoding = sniff_encoding(head)
    separator, why = _separator(head, is_tsv)
    return TextFormat("csv", separator, encoding, fallback), (why, why_encoding)


def sniff_encoding(head: bytes) -> tuple[str, str, str]:
    """Guess ``encoding`` and ``fallbackEncoding``, and say why."""
    try:
        head.decode()
    except UnicodeDecodeError:
        pass
    else:
        what = "only ASCII seen" if head.isascii() else "all bytes seen are UTF-8"
        return "utf-8", "windows-1252", f"encoding utf-8 (sure): {what}"
    lines = [line for line in head.splitlines() if not line.isascii()]
    n_utf8 = sum(_decodes(line) for line in lines)
    fallback = "windows-1258" if len(_VIETNAMESE.findall(head)) >= 3 else "windows-1252"
    mixed = "some" if n_utf8 else "all"
    why = f"encoding (a guess): {mixed} lines beyond ASCII are not UTF-8 and read as {fallback}"
    return ("utf-8" if n_utf8 else fallback), fallback, why


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _separator(head: bytes, is_tsv: bool) -> tuple[str, str]:
    """Take the separator that gives the most records the same number of fields, and most fields."""
    if not _decodes(head):
        head = head.decode("latin-1").encode()  # only how many fields there are counts here
    best, best_score, found = ("\t" if is_tsv else ","), (0.0, 0), (0, 0)
    for separator in SEPARATORS:
        widths = _widths(head, separator)
        if not widths or widths[0] < 2:
            continue
        width, n = Counter(widths).most_common(1)[0]
        score = (n / len(widths), width)
        if (round(score[0], 1), score[1]) > (round(best_score[0], 1), best_score[1]):
            best, best_score, found = separator, score, (width, len(widths))
    if best_score == (0.0, 0):
        return best, "one column: no separator among , ; tab | gives more"
    sure = "sure" if best_score[0] > 0.95 else "a guess"
    share = f"{100 * best_score[0]:.0f} % of {found[1]:,} records"
    return best, f"delimiter {best!r} ({sure}): gives {found[0]} fields in {share}"


def _widths(head: bytes, separator: str) -> list[int]:
    """Return the number of fields of the first records; those with stray quotes are passed over."""
    ends = split_records(head, TextFormat("csv", separator), at_end=True)[:_RECORDS].tolist()
    widths = []
    for start, end in zip([0, *ends], ends, strict=False):
        record = strip_newline(head[start:end])
        if record.strip():
            try:
                widths.append(len(split_cells(record, separator.encode())))
            except UnpairedQuote:
                continue
    return widths
