"""Errors of serving."""

from veracity.errors import Malformed, Rejected, Unavailable, VeracityError


class ServerError(VeracityError):
    """Root of the errors of ``server``."""

    code = "server-error"


class CannotListen(ServerError, Unavailable):
    """The address cannot be listened at: taken, not this machine's, not allowed."""

    code = "cannot-listen"


class NoSuchLog(ServerError, Malformed):
    """There is no log to serve at the place given."""

    code = "no-such-log"


class WitnessUnusable(ServerError, Unavailable):
    """The witness's directory or its policy cannot be read or written."""

    code = "witness-unusable"


class NoWitness(ServerError, Malformed):
    """The directory holds no witness."""

    code = "no-witness"


class OtherWitness(ServerError, Rejected):
    """The directory holds a witness of another name or another type of key."""

    code = "other-witness"


class WitnessStateLost(ServerError, Rejected):
    """There is a key but not what it cosigned: a signature now could contradict an earlier one."""

    code = "witness-state-lost"


class WitnessStateCopied(ServerError, Rejected):
    """The state is a copy, such as a restored backup: it may not be what the key cosigned last."""

    code = "witness-state-copied"


class PersonalFeed(ServerError, Rejected):
    """Receipts of this feed are not for everybody: its contract marks personal fields."""

    code = "personal-feed"


class NoSuchDataset(ServerError, Malformed):
    """The city shows no feed or panel of this name, or no such version of it."""

    code = "no-such-dataset"


class SpoolFull(ServerError, Unavailable):
    """A file to download cannot be made now: too large, no room, or too many are being made."""

    code = "spool-full"


class NotThere(ServerError, Malformed):
    """What a path or a parameter names is not in this city."""

    code = "not-there"


class NotThereThen(ServerError, Malformed):
    """The city has such a feed now, and had none at the time asked for: its first contract came later."""

    code = "not-there-then"


class MalformedQuery(ServerError, Malformed):
    """A parameter of a request is not what its route takes."""

    code = "malformed-parameter"


class MalformedSettings(ServerError, Malformed):
    """The settings of the server are not set down as they should be."""

    code = "malformed-settings"


class TooFewFiles(ServerError, Malformed):
    """The process may open too few files to serve anybody: its limit has to be raised."""

    code = "too-few-files"


class TooManyCells(ServerError, Malformed):
    """An answer would be made of more than the server takes in hand for one request."""

    code = "too-many-cells"


class TooManyListeners(ServerError, Unavailable):
    """As many readers of events as the server has places for are listening."""

    code = "too-many-listeners"


class CityUnreadable(ServerError, Unavailable):
    """What an answer is made of is gone, damaged, or cannot be reached now."""

    code = "city-unreadable"
