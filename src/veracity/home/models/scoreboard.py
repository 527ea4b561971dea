"""The scoreboard of a system read back: every line that was ever added, each file checked against the log."""

from collections.abc import Iterator, Sequence

import polars as pl

from veracity.home.home import Home
from veracity.home.models.kept_rows import read_rows
from veracity.home.models.matched import Said, outcomes_path, past_scorings, scores_path
from veracity.models.errors import ScoreboardBroken
from veracity.models.matching import CONTRADICTED, OUTCOMES
from veracity.models.scoreboard import LINE_KEYS, LINES, add_up, summary

_FOLD = 200_000  # sums waiting to be added up


def score_lines(home: Home, system: str) -> Iterator[tuple[Said, pl.DataFrame]]:
    """Yield each scoring with its lines, in order.

    Raises
    ------
    ScoreboardBroken
        If a scoring does not stand on the one before.
    TableMismatch
        If the lines of one are gone or changed: a day was taken off the board, or made better.
    """
    before: str | None = None
    for number, (idx, said) in enumerate(past_scorings(home, system)):
        if (said.number, said.before) != (number, before):
            raise ScoreboardBroken(
                f"scoreboard of {system}: want scoring {number} after {str(before)[:16]} at log entry {idx},"
                f" got {said.number} after {str(said.before)[:16]}"
            )
        before = said.scores.sha256
        yield (idx, said), read_rows(home, scores_path(said), said.scores)


def all_lines(home: Home, system: str) -> pl.DataFrame:
    """Return every line in order; see ``score_lines`` for what it raises."""
    return pl.concat([pl.DataFrame(schema=LINES), *(lines for _, lines in score_lines(home, system))])


def scoreboard(home: Home, system: str, by: Sequence[str] = ()) -> pl.DataFrame:
    """Return the scores of a system's models by ``by``, as ``summary`` gives them, in bounded memory."""
    return scoreboards(home, system, [by])[0]


def scoreboards(home: Home, system: str, bys: Sequence[Sequence[str]]) -> list[pl.DataFrame]:
    """Return several such summaries from reading the lines once."""
    names = [[*dict.fromkeys([*by, "model"])] for by in bys]
    sums = [pl.DataFrame(schema=LINES) for _ in bys]
    for _, lines in score_lines(home, system):
        sums = [_added(one, lines, of) for one, of in zip(sums, names, strict=True)]
    return [summary(one, by) for one, by in zip(sums, bys, strict=True)]


def _added(sums: pl.DataFrame, lines: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return sums of lines with more lines in them; names that are summed over are null."""
    blank = [pl.lit(None, LINES[n]).alias(n) for n in LINE_KEYS if n not in names]
    whole = pl.concat([sums, add_up(lines, names).with_columns(blank).select(LINES.names())])
    return whole if whole.height < _FOLD else add_up(whole, names).with_columns(blank).select(LINES.names())


def contradictions(home: Home, system: str) -> pl.DataFrame:
    """Return outcomes that were measured again otherwise than they were scored: rows of ``OUTCOMES``."""
    found = [pl.DataFrame(schema=OUTCOMES)]
    for _, said in past_scorings(home, system):
        if said.counts.contradicted:
            rows = read_rows(home, outcomes_path(said), said.outcomes)
            found.append(rows.filter(pl.col("state") == CONTRADICTED))
    return pl.concat(found)
