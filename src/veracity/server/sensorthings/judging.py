"""Observations inside entities, held to the rules before anything of the body is written. Pure.

One that is sent alone and breaks a rule is set aside, and its client told. One inside an entity would be set
aside for a datastream that its client was never told of; so the whole body is refused, with the rule.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from veracity.data.clean import clean
from veracity.data.contract import Contract, parse_contract
from veracity.data.records import parse_records, split_records
from veracity.data.reexecution import source_types, text_format
from veracity.server.created.feeds import OBSERVATIONS, built_in
from veracity.server.sensorthings.errors import NotAccepted
from veracity.server.sensorthings.posting import Posted
from veracity.server.sensorthings.rendering import time_text


def check_inside(posted: Sequence[Posted], now: datetime) -> None:
    """Raise unless observations of new datastreams keep the rules of their feed.

    Their datastreams have no other observations, so that each can be judged alone.

    Parameters
    ----------
    now
        When they came. A batch is received later, and then less is of the future, not more.

    Raises
    ------
    NotAccepted
        With the rules that the first broke, and how many broke one.
    """
    if not posted:
        return
    contract = _rules()
    data = b"".join(one.record + b"\n" for one in posted)
    fmt = text_format(contract, "ndjson")
    ends = split_records(data, fmt, at_end=True)
    known, types = contract.source_names, source_types(contract)
    read = parse_records(data, ends, fmt, None, known=known, types=types)
    aside = clean(read.frame, contract, now, by_itself=True).quarantined
    broken = {int(row): tuple(why) for row, why in aside.select("_record", "reasons").iter_rows()}
    broken |= {refusal.record: (refusal.code,) for refusal in read.refusals}
    if broken:
        first = min(broken)
        raise NotAccepted(
            f"Observations: want {len(posted)} that keep the rules of {OBSERVATIONS}, got {len(broken)} that"
            f" do not, first that of {time_text(posted[first].time)}, for {', '.join(broken[first])};"
            " nothing was made"
        )


@cache
def _rules() -> Contract:
    return parse_contract(built_in(OBSERVATIONS))
