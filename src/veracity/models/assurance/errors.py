"""Errors of assurance."""

from veracity.errors import Malformed, Rejected
from veracity.models.errors import ModelsError


class AssuranceError(ModelsError):
    """Root of the errors of assurance."""

    code = "assurance-error"


class MalformedPolicy(AssuranceError, Malformed):
    """A file of pass marks is none: an unknown test or mark, a missing reason, a bound that is none."""

    code = "malformed-assurance-policy"


class MalformedReport(AssuranceError, Malformed):
    """A report on a model is none in a form known here."""

    code = "malformed-assurance-report"


class TooLittleToTest(AssuranceError, Malformed):
    """The period to test on has too few times, or nothing that was measured."""

    code = "too-little-to-test"


class SeenInTraining(AssuranceError, Rejected):
    """Rows to test on are rows that the model learned from: its marks would be worth nothing."""

    code = "seen-in-training"


class ModelCrashed(AssuranceError, Rejected):
    """A model raised an error where it should have answered: a finding, not an end of the battery."""

    code = "model-crashed"


class MissingExtra(AssuranceError, Malformed):
    """An optional library is needed and not installed."""

    code = "missing-extra"
