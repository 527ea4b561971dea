"""What stands before every route, outermost first.

===================  =======================================================================
``SecurityHeaders``  what browsers are told on every answer
``AnsweredBugs``     the answer for a bug of ours
``CrossOrigin``      what other sites may do
``Identified``       who asks, how often, and whether the city is open
``BoundedBodies``    how much is read, and for how long
``Recorded``         the journal of writes
===================  =======================================================================
"""

from fastapi import FastAPI

from veracity.server.accounts.accounts import Accounts
from veracity.server.accounts.bodies import BoundedBodies
from veracity.server.accounts.bugs import AnsweredBugs
from veracity.server.accounts.cross_origin import CrossOrigin
from veracity.server.accounts.headers import SecurityHeaders
from veracity.server.accounts.identified import Identified
from veracity.server.accounts.recorded import Recorded


def protect(app: FastAPI, accounts: Accounts) -> None:
    """Put all of it before an application; the last added is the outermost."""
    app.add_middleware(Recorded, accounts=accounts)
    app.add_middleware(BoundedBodies, settings=accounts.settings)
    app.add_middleware(Identified, accounts=accounts)
    app.add_middleware(CrossOrigin, settings=accounts.settings)
    app.add_middleware(AnsweredBugs)
    app.add_middleware(SecurityHeaders, settings=accounts.settings)
