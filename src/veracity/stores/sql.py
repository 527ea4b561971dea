"""What a database of ours does whatever its kind: transactions that end whole, and errors of one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from veracity.log.errors import StoreUnavailable


class SqlDatabase:
    """A database, through one engine that knows two kinds of transaction.

    Parameters
    ----------
    name
        What messages call it.
    engine, writer, reader
        The engine, and the same with the options of transactions that write, and that read.
    secret
        A text that appears in no message.
    """

    def __init__(
        self, name: str, engine: Engine, writer: Engine, reader: Engine, secret: str | None = None
    ) -> None:
        self.name = name
        self.engine = engine
        self._writer, self._reader = writer, reader
        self._secret = secret

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes; it commits at the end, durably, or rolls back on an error.

        Raises
        ------
        StoreUnavailable
            For a server out of reach, a full disk, a lock held too long, a damaged file. If the commit
            itself fails, it is not known whether it took effect.
        """
        with self._translated(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that reads one state of the database."""
        with self._translated(), self._reader.begin() as connection:
            yield connection

    def take_lock(self, wait_s: float | None = None, *, passes_on: bool = False) -> str | None:
        """Take the lock of the one writer that a database shared by machines has.

        Nothing where there is none: who writes is settled elsewhere, and the answer is None.

        Parameters
        ----------
        wait_s
            How long to wait for it. None: some time where its holder lets others in between its turns,
            else not at all.
        passes_on
            Say of ourselves that we do.

        Returns
        -------
        holder
            Who still has it; None once it is ours.
        """
        del wait_s, passes_on
        return None

    def is_wanted(self) -> bool:
        """Tell whether another session waits for the lock."""
        return False

    def check_lock(self) -> None:
        """Raise ``LockLost`` unless the lock, if one was taken, is still ours."""

    def close(self) -> None:
        """Close every connection; the lock goes with them."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise  # a broken rule of a table: its owner knows what that means
        except SQLAlchemyError as exc:
            reason = exc.orig if isinstance(exc, DBAPIError) else exc
            line = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
            if self._secret:
                line = line.replace(self._secret, "***")
            raise StoreUnavailable(f"database {self.name}: {line}{self._why()}") from exc

    def _why(self) -> str:
        """Return what the library's message leaves out of why it failed, to end it with."""
        return ""
