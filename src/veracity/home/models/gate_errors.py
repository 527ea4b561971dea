"""Why the release gate stays shut."""

from veracity.errors import Malformed, Rejected
from veracity.home.errors import HomeError


class ReleaseRefused(HomeError, Rejected):
    """Root of the reasons for which a model does not come to serve, or does not serve on."""

    code = "release-refused"


class NotReleased(ReleaseRefused):
    """Nothing is released for this system, or it was stopped."""

    code = "not-released"


class NotTrained(ReleaseRefused):
    """The log has no word of how this model was made."""

    code = "not-trained"


class WrongModel(ReleaseRefused):
    """The model was made for another system, or learned from another panel."""

    code = "wrong-model"


class FeedNotInForce(ReleaseRefused):
    """A feed that the model reads has no contract in force."""

    code = "feed-not-in-force"


class NotAssured(ReleaseRefused):
    """No report on this very model says that it passed, or a later one says otherwise."""

    code = "not-assured"


class CardRejected(ReleaseRefused):
    """The model card is not there, is another, or says what the evidence denies."""

    code = "card-rejected"


class StageRefused(ReleaseRefused):
    """The stage is above what the app may have, or the one before it was not served long enough."""

    code = "stage-refused"


class StaleRequest(ReleaseRefused):
    """What serves has changed since this was asked for."""

    code = "stale-request"


class WrongApproval(ReleaseRefused):
    """The officer approved something else."""

    code = "wrong-approval"


class ApprovalUsed(ReleaseRefused):
    """The approval stands in the log already: each is for one change."""

    code = "approval-used"


class NothingToRollBack(ReleaseRefused):
    """No other model served this system before."""

    code = "nothing-to-roll-back"


class MalformedRequest(HomeError, Malformed):
    """The bytes are no request for a release."""

    code = "malformed-release-request"
