"""Errors of the way from bytes to a synchronised panel."""

from veracity.errors import Malformed, Rejected, VeracityError


class DataError(VeracityError):
    """Root of the errors of ``data``."""

    code = "data-error"


class MalformedContract(DataError, Malformed):
    """The text is not a contract this engine can hold a feed to.

    ``path`` says where in the document the fault stands, outermost name first, as far as is known.
    """

    code = "malformed-contract"
    path: tuple[str | int, ...] = ()


class WrongFile(DataError, Malformed):
    """The file cannot be of this feed: a needed column is missing, or nothing in it can be read."""

    code = "wrong-file"


class MalformedPanel(DataError, Malformed):
    """The text is not a panel definition."""

    code = "malformed-panel"


class PanelTooLarge(DataError, Malformed):
    """The grid asked for has more cells than one machine should hold."""

    code = "panel-too-large"


class MalformedCondition(DataError, Malformed):
    """The ``where`` text is not a condition on the table's columns."""

    code = "malformed-condition"


class EvidenceMismatch(DataError, Rejected):
    """Stored evidence is not what the statement in the log says it was."""

    code = "evidence-mismatch"


class TableMismatch(DataError, Rejected):
    """Rows of a table are not what the statement in the log says they were."""

    code = "table-mismatch"


class MalformedBody(DataError, Malformed):
    """What is in a message cannot be cut into records."""

    code = "malformed-body"
