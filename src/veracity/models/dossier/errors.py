"""Errors of cards and dossiers."""

from veracity.errors import Malformed, Rejected
from veracity.models.errors import ModelsError


class DossierError(ModelsError):
    """Root of the errors of cards and dossiers."""

    code = "dossier-error"


class MalformedCard(DossierError, Malformed):
    """The bytes are no model card in a form known here."""

    code = "malformed-card"


class CardDenied(DossierError, Rejected):
    """A card says what its evidence denies, or leaves out what the evidence says."""

    code = "card-denied"


class MalformedFramework(DossierError, Malformed):
    """A list of requirements is none, or names an answer that there is not."""

    code = "malformed-framework"


class UnknownFramework(DossierError, Malformed):
    """There is no list of requirements of that name."""

    code = "unknown-framework"


class NothingToExport(DossierError, Rejected):
    """A form asks for what is not in the log yet: it is not filled with anything else."""

    code = "nothing-to-export"
