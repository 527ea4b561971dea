"""Errors of a city's home directory and what is done in it."""

from veracity.errors import Malformed, Rejected, Unavailable, VeracityError


class HomeError(VeracityError):
    """Root of the errors of ``home``."""

    code = "home-error"


class NoHome(HomeError, Malformed):
    """The directory is not a city's home."""

    code = "no-home"


class HomeExists(HomeError, Malformed):
    """A city lives there already; making another would bury its keys."""

    code = "home-exists"


class HomeUnusable(HomeError, Unavailable):
    """The home cannot be read or written: rights, disk."""

    code = "home-unusable"


class HomeBusy(HomeError, Unavailable):
    """Another process is writing in this home."""

    code = "home-busy"


class MalformedGround(HomeError, Malformed):
    """The ground of a city's map is no GeoJSON of lines and areas in degrees, or is too large."""

    code = "malformed-ground"


class NoGround(HomeError, Malformed):
    """The city's map has no ground."""

    code = "no-ground"


class NotShared(HomeError, Malformed):
    """Works only in a home of one machine: what it needs must never leave that machine."""

    code = "not-shared"


class BadName(HomeError, Malformed):
    """A name, number or time given by the caller is not one."""

    code = "bad-name"


class MissingKey(HomeError, Unavailable):
    """A key file that is needed is not there or cannot be read."""

    code = "missing-key"


class UnknownFeed(HomeError, Malformed):
    """No contract has been added for this feed."""

    code = "unknown-feed"


class UnknownAgency(HomeError, Malformed):
    """No agency of this name is enrolled."""

    code = "unknown-agency"


class AgencyExists(HomeError, Malformed):
    """An agency of this name is enrolled; its key can be rotated or revoked."""

    code = "agency-exists"


class ContractBreaks(HomeError, Rejected):
    """The new contract would change the table under its readers."""

    code = "contract-breaks"


class RecordNotFound(HomeError, Rejected):
    """No record, or more than one, is what the caller asked a receipt for."""

    code = "record-not-found"


class NoRowsWaiting(HomeError, Rejected):
    """No quarantined row that was named still waits for a decision."""

    code = "no-rows-waiting"


class TooManyRows(HomeError, Malformed):
    """More quarantined rows, or larger ones, than one decision can be about."""

    code = "too-many-rows"


class NoCertificate(HomeError, Rejected):
    """The day or the batch asked for has no certificate."""

    code = "no-certificate"


class DeliveryInterrupted(HomeError, Rejected):
    """Part of this file went in before; say whether to go on with it."""

    code = "delivery-interrupted"


class ClockBehind(HomeError, Unavailable):
    """The clock stands well before the last batch's time of receipt: one of the two is wrong."""

    code = "clock-behind"


class VaultUnusable(HomeError, Unavailable):
    """The vault of personal data, or the key that opens it, is not there or cannot be used."""

    code = "vault-unusable"


class VaultInUse(HomeError, Unavailable):
    """Another process reads the vault: what was destroyed may still stand in its write-ahead log."""

    code = "vault-in-use"


class FileWaiting(HomeError, Rejected):
    """The vault has keys of a file that is not in the log: take the file in, or forget it, first."""

    code = "file-waiting"


class SignedInClear(HomeError, Malformed):
    """A file with personal values in clear comes with a signature that names its digest."""

    code = "signed-in-clear"


class KeysMissing(HomeError, Rejected):
    """A protected file comes without the keys of its records."""

    code = "keys-missing"


class MalformedKeys(HomeError, Malformed):
    """A file of keys is none, or not of the protected file that it comes with."""

    code = "malformed-keys"


class TokenMisplaced(HomeError, Rejected):
    """A token stands in another file or record than the one whose key opens it."""

    code = "token-misplaced"


class NothingPersonal(HomeError, Rejected):
    """No record with personal values that can be read is what the caller named."""

    code = "nothing-personal"


class StateBehind(HomeError, Rejected):
    """The home's parts disagree: something was restored or changed outside this program."""

    code = "state-behind"


class UnknownInvitation(HomeError, Rejected):
    """No invitation has this code."""

    code = "unknown-invitation"


class InvitationOver(HomeError, Rejected):
    """The invitation has expired, or too many requests did not know its code."""

    code = "invitation-over"


class InvitationUsed(HomeError, Rejected):
    """Another key was enrolled with this invitation."""

    code = "invitation-used"


class MalformedLimits(HomeError, Malformed):
    """The limits of live feeds are not set down as they should be."""

    code = "malformed-limits"
