"""Founding a city: its directory, its keys, the first entry of its log, the policy to hand out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from veracity.home.clock import Clock, format_time
from veracity.home.directory import (
    Directory,
    Places,
    create_directory,
    made_or_cleared,
    seal_directory,
    usable,
    write_new,
)
from veracity.home.errors import HomeExists
from veracity.home.home import Writer
from veracity.home.index import Index
from veracity.home.key_care import add_reference
from veracity.home.key_places import LOG, OPERATOR_KEY, KeyPlace
from veracity.home.lock import writing
from veracity.home.operator_keys import OPERATOR
from veracity.home.stores import Stores, open_stores
from veracity.log.notes import Signer, Verifier
from veracity.log.policy import format_policy, policy_for
from veracity.provenance.keys import SigningKey
from veracity.provenance.secret_files import write_secret
from veracity.provenance.statements import Enrol
from veracity.stores.opening import check_home_objects, check_places, settled


@dataclass(frozen=True)
class CityKeys:
    """The two private keys of a city: one signs checkpoints, the other its statements."""

    log_seed: bytes
    operator: SigningKey

    @classmethod
    def generate(cls) -> CityKeys:
        """Make both from the system's randomness."""
        return cls(SigningKey.generate().seed, SigningKey.generate())


@dataclass(frozen=True)
class KeyReferences:
    """Where the keys of a new city are that are not to be made in its home (see ``key_places``)."""

    log: str | None = None
    operator: str | None = None


def init(
    root: Path | str,
    origin: str,
    clock: Clock | None = None,
    keys: CityKeys | None = None,
    *,
    references: KeyReferences | None = None,
    expires: datetime | None = None,
    log_store: str | None = None,
    log_state: str | None = None,
    objects: str | None = None,
    database: str | None = None,
) -> Directory:
    """Make a home: keys, stores, database, the operator's enrolment as entry 0, and the trust policy.

    ``keys`` are for a city whose keys are made elsewhere; without them new ones are made, but where
    ``references`` say where one is. ``expires`` is of the operator's key.
    ``log_store`` and ``log_state`` are locations (see ``stores.opening``) for the files and the state
    of the log, if they are not to be in the home; ``objects`` and ``database`` for all else that is
    stored, and for the log too unless it is told where to be. All must be empty.

    Raises
    ------
    HomeExists, HomeUnusable, BadName, BadLocation
        Nothing is left behind but an empty directory and its lock. What was begun elsewhere stays there.
    KeyUnavailable, MalformedKeyReference
        If there is no key where a reference says.
    """
    root = Path(root)
    check_places(log_store, log_state, objects, database)
    if objects is not None:
        check_home_objects(objects)
    places = [None if p is None else settled(p) for p in (log_store, log_state, objects, database)]
    directory = create_directory(root, origin, Places(*places))
    with writing(directory), made_or_cleared(directory):
        _furnish(directory, clock, keys or CityKeys.generate(), references or KeyReferences(), expires)
    return directory


def _furnish(
    directory: Directory,
    clock: Clock | None,
    keys: CityKeys,
    references: KeyReferences,
    expires: datetime | None,
) -> None:
    signer = Signer(directory.origin, keys.log_seed)
    log, operator = KeyPlace(directory.keys, LOG), KeyPlace(directory.keys, OPERATOR_KEY)
    verifier, public = signer.verifier, keys.operator.public
    if references.log is not None:
        verifier = Verifier(directory.origin, add_reference(log, references.log).public.raw)
    if references.operator is not None:
        public = add_reference(operator, references.operator).public
    with usable(directory.root):
        if references.log is None:
            write_secret(log.plain, (signer.format() + "\n").encode())
        if references.operator is None:
            write_secret(operator.plain, keys.operator.to_pem())
        write_new(directory.policy, format_policy(policy_for(verifier)).encode(), 0o644)
    stores = open_stores(directory)
    try:
        _check_new(directory, stores)
    except BaseException:
        stores.close()
        raise
    writer = Writer(directory, clock, stores)
    try:
        until = None if expires is None else format_time(expires)
        writer.say(Enrol("enrol", OPERATOR, "operator", public, expires=until).to_statement())
    finally:
        writer.close()
    seal_directory(directory)


def _check_new(directory: Directory, stores: Stores) -> None:
    """Raise ``HomeExists`` where the stores of another city would be taken for the new one's."""
    if directory.places.objects is not None and next(stores.objects.list(""), None) is not None:
        raise HomeExists(f"init: want an empty place for objects, got {directory.objects} with some in it")
    if directory.is_shared and Index(stores.database).size:
        raise HomeExists("init: want an empty database, got one with a city in it")
