"""Errors of accounts: who is not known, and who may not."""

from veracity.errors import Malformed, Rejected, VeracityError


class AccountError(VeracityError):
    """Root of the errors of accounts."""

    code = "account-error"


class SignInNeeded(AccountError, Rejected):
    """What was asked for needs an account, and the request names none."""

    code = "sign-in-needed"


class BadCredential(AccountError, Rejected):
    """The token or the session is unknown, expired or revoked."""

    code = "bad-credential"


class RoleNeeded(AccountError, Rejected):
    """The account has none of the roles that may do this."""

    code = "role-needed"


class FeedNotAllowed(AccountError, Rejected):
    """The account's token is not for this feed."""

    code = "feed-not-allowed"


class MalformedAccount(AccountError, Malformed):
    """A name, role, agency, feed or time of an account or token is not one."""

    code = "malformed-account"


class UnknownAccount(AccountError, Malformed):
    """No account has this name."""

    code = "unknown-account"


class AccountExists(AccountError, Malformed):
    """An account of this name is there; its roles can be changed."""

    code = "account-exists"


class UnknownToken(AccountError, Malformed):
    """No token has this identifier."""

    code = "unknown-token"


class MalformedJournal(AccountError, Malformed):
    """A list of writes over the network is none."""

    code = "malformed-journal"
