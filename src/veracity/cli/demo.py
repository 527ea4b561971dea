"""``veracity demo``: the built-in city, simulated, end to end."""

import tempfile
from dataclasses import asdict
from pathlib import Path

import click

from veracity.city.demo import DemoReport, play
from veracity.cli.output import columns, common, counts, emit, note


@click.command()
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0, 2**63 - 1), help="Same seed, same log."
)
@click.option("--home", type=click.Path(path_type=Path), help="Keep the city in this new or empty directory.")
@common
def demo(seed: int, home: Path | None, as_json: bool) -> int:
    """Play the built-in city (simulated): ingest, seal, learn, forecast, score, prove, tamper, notice."""
    say = (lambda _: None) if as_json else (lambda line: note(f"… {line}"))
    if home is not None:
        report = play(home, seed, say)
    else:
        with tempfile.TemporaryDirectory(prefix="veracity-demo-") as folder:
            report = play(Path(folder) / "city", seed, say)
            report.home = None
    emit("demo", {**asdict(report), "all_noticed": report.all_noticed}, _text(report), as_json)
    return int(not report.all_noticed)


def _text(r: DemoReport) -> str:
    missed = sorted({f["kind"] for f in r.planted if not f["caught_now"]})
    found = f"{sum(f['caught_now'] for f in r.planted)} caught"
    why = columns([(f"  {k}", n) for k, n in r.reasons.items()])
    flags = columns([(f"  {k}", n) for k, n in r.flags.items()])
    refused = columns([(f"  {k}", n) for k, n in r.refusals.items()])
    row = columns([(f"  {k}", str(v)) for k, v in r.receipt_row.items()])
    lines = [
        "",
        "SIMULATED: every value, key and agency below comes from a simulation (seed " + str(r.seed) + ")",
        "",
        f"records     {counts(r)}",
        f"            {r.late:,} of the accepted came late",
        f"            {r.replays} delivery came a second time and was not taken",
        "quarantined, by reason",
        why,
        "refused, by reason",
        refused,
        "accepted with a flag, by reason",
        flags,
        f"planted     {len(r.planted)} faults, {found}"
        + (f"; missed: {', '.join(missed)}" if missed else ""),
        f"            {r.flagged} readings flagged; {_strays(r)}",
        f"rate        {r.records_per_s:,.0f} records/s, in {r.deliveries} small signed deliveries",
        f"panel       {r.panel_rows:,} rows, digest {r.panel_digest[:16]}…",
        f"log         {r.log_size} entries, checkpoint:",
        *(f"            {line}" for line in r.checkpoint.strip().splitlines() if line),
        "",
        f"a receipt for the crest of the flood ({r.receipt_bytes:,} bytes), verified by trust.policy alone:",
        row,
        columns([("  ok", s["name"], s["detail"]) for s in r.steps]),
        "",
        *_learned(r),
        "",
        "who notices a change",
    ]
    for notice in r.notices:
        verb = "notices" if notice.noticed else "DID NOT NOTICE"
        lines.append(f"  {notice.what}: {notice.who} {verb}\n      {notice.said}")
    if r.home is not None:
        lines += ["", f"the city is kept in {r.home}: try `veracity feed ls --home {r.home}`"]
    return "\n".join(lines)


def _learned(r: DemoReport) -> list[str]:
    """Say what became of the model of air."""
    m, tests = r.learned, r.learned.tests
    head = ("  forecast of", "scored", "mean error", "best baseline's", "which is", "inside 80 %")
    scores = [
        (
            f"  {s['target']}",
            s["n"],
            f"{s['mae']:.2f}",
            f"{s['best_mae']:.2f}",
            s["best"],
            f"{s['coverage80']:.0%}",
        )
        for s in m.scores
    ]
    said = [(f"  {k}", str(v)) for k, v in m.forecast.items() if v is not None and k not in ("run", "record")]
    told = f"{tests['passed']} tests passed, {tests['failed']} failed, {tests['untested']} not done"
    which = f"forecast {m.forecast['record']} of run {m.forecast['run']}"
    return [
        f"model       {m.system}, {m.model[:16]}…: {told}; released to {', then '.join(m.stages)}",
        f"forecasts   {m.decisions:,} in {m.runs} runs, logged before their outcome; {m.scored:,} are scored",
        columns(scores, head),
        "",
        f"a receipt for {which}, verified by trust.policy alone:",
        columns(said),
        columns([("  ok", s["name"], s["detail"]) for s in r.forecast_steps]),
    ]


def _strays(r: DemoReport) -> str:
    """Say how many flags no planted fault explains."""
    if not r.strays:
        return "none that no planted fault explains"
    told = ", ".join(f"{n} of {reason}" for reason, n in r.strays.items())
    return f"no planted fault explains {told}"
