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

    def close(self) -> None:
        """Close every connection."""
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
