"""Answers about data and training: where rows came from, what was kept out, how to train again."""

from collections.abc import Mapping

from veracity.models.dossier.answer import Answer, Point, say
from veracity.models.facts import Evidence, Known

_INGEST = "veracity ingest, then veracity model train"
_TRAIN = "veracity model train"


def data_sources(k: Known) -> list[Point]:
    """Each feed's contract: whose it is, its version, rules and licence."""
    return [
        say(
            "feed",
            Evidence(f.contract_idx, "contract", f.contract_sha256),
            title=f.title,
            agency=f.agency,
            feed=f.feed,
            version=f.version,
            rules=f.n_rules,
            licence=f.licence or None,
        )
        for f in k.feeds
    ]


def data_quality(k: Known) -> list[Point]:
    """What was received, and where every record went."""
    return [
        say(
            "feed-counts",
            Evidence(f.last_idx, "ingest.counts"),
            feed=f.feed,
            received=f.received,
            accepted=f.accepted,
            quarantined=f.quarantined,
            refused=f.refused,
            batches=f.batches,
        )
        for f in k.feeds
        if f.batches
    ]


def data_provenance(k: Known) -> list[Point]:
    """The snapshots, by digest."""
    return [
        say(
            "snapshot",
            k.train.at("train.inputs", i.sha256),
            feed=i.feed,
            batch=i.up_to_batch,
            sha256=i.sha256,
        )
        for i in k.train.it.inputs
    ]


def data_preparation(k: Known) -> list[Point]:
    """The panel: by which rule, how many rows."""
    t = k.train.it
    at = k.train.at("train.rows", t.rows.sha256)
    return [say("panel", at, definition=t.definition_sha256, rows=t.rows.rows, digest=t.rows.sha256)]


def personal_data(k: Known) -> list[Point]:
    """Whether personal data were used."""
    n = sum(f.n_personal for f in k.feeds)
    if k.uses_personal:
        return [say("personal", k.train.at("train.personal"), n=n)]
    return [say("not-personal", k.train.at("train.personal"), idx=k.train.idx)]


def training(k: Known) -> list[Point]:
    """When, with which seed, from how many rows."""
    t = k.train.it
    return [say("training", k.train.at("train"), at=t.trained_at, seed=t.seed, rows=t.rows.rows)]


def reproducible(k: Known) -> list[Point]:
    """How to make it again."""
    return [say("reproducible", k.train.at("train.code"))]


ANSWERS: Mapping[str, tuple[Answer, str]] = {
    "data_sources": (data_sources, _INGEST),
    "data_quality": (data_quality, _INGEST),
    "data_provenance": (data_provenance, _TRAIN),
    "data_preparation": (data_preparation, _TRAIN),
    "personal_data": (personal_data, _TRAIN),
    "training": (training, _TRAIN),
    "reproducible": (reproducible, _TRAIN),
}
