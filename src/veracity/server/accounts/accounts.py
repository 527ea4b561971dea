"""The accounts of a served city: opened when first needed, shared by its routes."""

import logging
import threading
from contextlib import suppress

from veracity.errors import Unavailable, VeracityError
from veracity.home.accounts.intents import n_open
from veracity.home.accounts.journal import n_waiting, seal_writes
from veracity.home.accounts.sign_in_settings import read_sign_in
from veracity.home.accounts.store import AccountStore
from veracity.home.accounts.tables import has_tables
from veracity.home.clock import Clock, system_clock
from veracity.home.directory import open_directory
from veracity.home.home import Home, open_writer
from veracity.server.accounts.openid import Provider
from veracity.server.settings import ServerSettings

_LOGGER = logging.getLogger(__name__)


class Accounts:
    """What the doors, the journal and the routes of accounts share. ``app.state.accounts``.

    ``provider`` is whom people sign in with; None where nobody can. ``clock`` is the real time, whatever the
    city's is: tokens and sessions end by it.

    Raises
    ------
    MalformedSignIn
        If the home's settings for signing in are not as they should be.
    """

    def __init__(self, settings: ServerSettings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or system_clock()
        sign_in = read_sign_in(settings.home)
        self.provider = None if sign_in is None else Provider(sign_in)
        self._lock = threading.Lock()
        self._store: AccountStore | None = None
        self._timer: threading.Timer | None = None
        self._is_closed = False

    @property
    def store(self) -> AccountStore:
        """The accounts; StoreUnavailable where the home's database cannot be written."""
        with self._lock:
            if self._store is None:
                self._store = AccountStore.open(open_directory(self.settings.home), self.clock)
            return self._store

    def seal_soon(self) -> None:
        """See that what waits in the journal comes into the log, once, in a while."""
        after_s = self.settings.seal_after_s
        with self._lock:
            if after_s is None or self._timer is not None or self._is_closed:
                return
            self._timer = threading.Timer(after_s, self._seal_later)
            self._timer.daemon = True
            self._timer.start()

    def catch_up(self) -> None:
        """See that what a server before this one left in the journal comes into the log."""
        try:
            home = Home.open(self.settings.home)
            try:
                waits = has_tables(home.database) and n_waiting(home.database) + n_open(home.database) > 0
            finally:
                home.close()
        except VeracityError as exc:
            _LOGGER.info("writes: %s", exc)
            return
        if waits:
            self.seal_soon()

    def seal(self) -> int:
        """Put what waits in the journal into the log now; return how many writes that were."""
        with open_writer(self.settings.home, self.settings.clock) as home:
            return seal_writes(home, self.store.database)

    def close(self) -> None:
        """Seal what waits if that can be done, and close the database."""
        with self._lock:
            self._is_closed = True
            timer, self._timer = self._timer, None
            store, self._store = self._store, None
        if timer is not None:
            timer.cancel()
            if store is not None:
                with suppress(VeracityError), open_writer(self.settings.home, self.settings.clock) as home:
                    seal_writes(home, store.database)
        if store is not None:
            store.close()

    def _seal_later(self) -> None:
        with self._lock:
            self._timer = None
        try:
            self.seal()
        except Unavailable as exc:  # somebody else has the home: the writes wait in the database
            _LOGGER.info("writes: %s", exc)
            self.seal_soon()
        except VeracityError as exc:
            _LOGGER.warning("writes: %s: %s", exc.code, exc)
