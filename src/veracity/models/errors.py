"""Errors of models, their files and their use."""

from veracity.errors import Malformed, Rejected, VeracityError


class ModelsError(VeracityError):
    """Root of the errors of ``models``."""

    code = "models-error"


class MalformedModel(ModelsError, Malformed):
    """The files are not a model's in a form known here; none of them is loaded."""

    code = "malformed-model"


class ModelAltered(ModelsError, Rejected):
    """A model's files are not those that its digest, or its signature, is of."""

    code = "model-altered"


class BadPanel(ModelsError, Malformed):
    """A panel cannot be learned from or forecast from: a column, a key or a time is missing."""

    code = "bad-panel"


class BadDecisions(ModelsError, Malformed):
    """Rows are no decisions: a column, an order of quantiles, a time or a name is not as it must be."""

    code = "bad-decisions"


class DecidedLate(ModelsError, Rejected):
    """Something is decided when its outcome may be known already, or before what was decided before."""

    code = "decided-late"


class ScoreboardBroken(ModelsError, Rejected):
    """Scorings in the log do not follow one another: a line is missing or was put in."""

    code = "scoreboard-broken"


class BadLadder(ModelsError, Malformed):
    """The ladder of fallbacks of an app has no rung that can serve whatever is missing."""

    code = "bad-ladder"


class NotFitted(ModelsError, Malformed):
    """An estimator was asked for what only a fitted one can say."""

    code = "not-fitted"


class BadParameter(ModelsError, Malformed):
    """A parameter of an estimator is outside of what it can be."""

    code = "bad-parameter"


class MalformedPlaces(ModelsError, Malformed):
    """A list of places is no CSV of keys with their numbers."""

    code = "malformed-places"


class IncidentRefused(ModelsError, Rejected):
    """Root of the reasons for which a step of an incident is not said."""

    code = "incident-refused"


class IncidentOpen(IncidentRefused):
    """An incident of that name is open already."""

    code = "incident-open"


class IncidentClosed(IncidentRefused):
    """The incident is closed, and stays so."""

    code = "incident-closed"


class UnknownIncident(IncidentRefused):
    """The system has no incident of that name."""

    code = "unknown-incident"
