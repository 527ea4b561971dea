"""How pages and the terminal write scores: names of models, numbers, shares."""

from veracity.models.decision_rows import OVERRIDDEN, OVERRIDE
from veracity.models.decisions import OWN
from veracity.pages.html import shown

_NAMES = {OWN: "the system", OVERRIDE: "persons' overrides", OVERRIDDEN: "what they replaced"}


def model_name(model: str) -> str:
    """Return the name of a scoreboard's model for people; of a baseline, its own."""
    return _NAMES.get(model, shown(model))


def score_text(value: float) -> str:
    """Return a score for people: four digits, and what is next to nothing without them.

    Examples
    --------
    >>> score_text(6.02312), score_text(0.0), score_text(1.3e-47), score_text(-2e-6)
    ('6.023', '0', '<0.0001', '>-0.0001')
    """
    tiny = 0 < abs(value) < 1e-4
    return (">-0.0001" if value < 0 else "<0.0001") if tiny else f"{value:.4g}"


def score_cell(value: object) -> str:
    """Return a cell of a score; a dash where there is none."""
    return score_text(value) if isinstance(value, float) else "–"


def share_cell(value: object) -> str:
    """Return a cell of a share, in percent; a dash where there is none.

    Examples
    --------
    >>> share_cell(0.825), share_cell(None)
    ('82.5 %', '–')
    """
    return f"{100 * value:.1f} %" if isinstance(value, float) else "–"
