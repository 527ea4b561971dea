"""Errors of the SensorThings interface."""

from veracity.errors import Malformed, Rejected, Unavailable
from veracity.server.errors import ServerError


class MalformedFilter(ServerError, Malformed):
    """A ``$filter`` or ``$orderby`` is no expression of the standard, or is too large."""

    code = "malformed-filter"


class MalformedQuery(ServerError, Malformed):
    """A query option is none of the standard's, or has no value that it can have."""

    code = "malformed-query"


class UnsupportedQuery(ServerError, Malformed):
    """The standard has it, this server has not."""

    code = "unsupported-query"


class TooMuchAsked(ServerError, Malformed):
    """One answer would hold more entities than are given at once."""

    code = "too-much-asked"


class NoSuchEntity(ServerError, Malformed):
    """The path leads to no entity, entity set or property."""

    code = "no-such-entity"


class MalformedObservation(ServerError, Malformed):
    """What was sent to be created is no observation that a feed could take."""

    code = "malformed-observation"


class MalformedEntity(ServerError, Malformed):
    """What was sent to be created is no entity as the standard has it, or links to one that is not there."""

    code = "malformed-entity"


class NotCreatable(ServerError, Rejected):
    """It is not made by clients, or not by this one: it is a contract's, a registry's, another agency's."""

    code = "not-creatable"


class NotAccepted(ServerError, Rejected):
    """What was sent was not taken: it came before, is not signed as it must be, or broke a rule."""

    code = "not-accepted"


class PostsWaiting(ServerError, Unavailable):
    """As many posts wait to be sealed as may, or this one waited for too long; nothing of it was taken."""

    code = "posts-waiting"


class ContractReplaced(ServerError, Unavailable):
    """The contract of the feed was replaced while this waited: it must be made a record of the new one."""

    code = "contract-replaced"
