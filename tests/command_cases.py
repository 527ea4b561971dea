"""Every command, with arguments that succeed and some that fail, and on which city it is tried."""

from pathlib import Path

import persons
from released_city import LAN
from small_city import AGENCY

KEY, POLICY, TO = "HERE/rain-office.pem", "HERE/city/trust.policy", ["-o", "HERE/r.json"]
DECIDED = ["--by", "Nguyễn Thị An", "--reason", "checked on site"]
OVERRIDDEN = ["rain-hours", "--run", "0", "--record", "17", "--value", "3.5"]
SIGNED = ["--key", "HERE/hoa.pem", "--by", "Hoa", "--why", "seen", "-o", "HERE/signed.json"]
EDGE = ["-c", "HERE/edge/gateway.yaml"]
OF_DECISIONS = {"app", "scoreboard", "register", "incident", "officer"}
VECTORS = Path(__file__).parent / "vectors"
STAMPED = [f"{VECTORS}/receipts/valid-ndjson.json", f"{VECTORS}/time-stamps/valid-ndjson.tsr"]
PHONE = persons.persons(5)[2]["phone"]
WHERE = "gauge = 'G00' and observed_at = '2026-09-01T01:00:00Z'"
OF_MODELS = (
    *("train", "ls", "show", "compare", "reproduce", "export", "card", "dossier"),
    *("ask", "release", "stop", "roll-back", "stages"),
)
THINGS = ["things", "--kind", "sensorthings", "--feed", "rain", "--set"]
TRAINED = ["--panel", "HERE/panel.yaml", "--estimator", "last_value", "--target", "rain", "--horizons", "1"]

# command -> (arguments that succeed, arguments that fail, the exit code then); HERE is the folder
CASES: dict[str, tuple[list[str], list[str], int]] = {
    "up": ([], ["HERE/none"], 3),
    "init": (["HERE/new", "--origin", "other.example/city"], ["HERE/city", "--origin", "x.example/y"], 3),
    "demo": ([], ["--home", "HERE/city"], 3),
    "agency add": (["second"], [AGENCY], 3),
    "agency rotate": ([AGENCY], ["nobody"], 3),
    "agency revoke": ([AGENCY, "--reason", "lost"], ["nobody", "--reason", "lost"], 3),
    "agency ls": ([], [], 3),
    "device add": ([f"{AGENCY}/g02"], ["g02"], 3),
    "device rotate": ([f"{AGENCY}/g01"], [f"{AGENCY}/none"], 3),
    "device revoke": ([f"{AGENCY}/g01", "--reason", "lost"], ["g01", "--reason", "lost"], 3),
    "device ls": ([], [], 3),
    "device password": ([f"{AGENCY}/g01"], ["nobody/g01"], 3),
    "device certificate": ([f"{AGENCY}/g01", "CN=g01"], [f"{AGENCY}/g01", ""], 3),
    "device access": ([], [], 3),
    "device forbid": ([f"{AGENCY}/g01"], [f"{AGENCY}/none"], 3),
    "account add": (["lan", "--role", "admin"], ["Lan Nguyen", "--role", "admin"], 3),
    "account role": (["minh", "--role", "auditor"], ["none", "--role", "auditor"], 3),
    "account token": (["minh", "--feed", "rain"], ["minh", "--feed", "snow"], 3),
    "account revoke": (["minh"], ["none"], 3),
    "account ls": ([], [], 3),
    "account seal": ([], [], 3),
    "ground import": (["HERE/ground.geojson", "--source", "drawn"], ["HERE/panel.yaml"], 3),
    "ground show": ([], [], 3),
    "ground rm": ([], [], 3),
    "key ls": ([], [], 3),
    "key encrypt": (["operator"], ["nobody"], 3),
    "key move": (["operator", "--to", "file:HERE/elsewhere.pem"], ["operator", "--to", "elsewhere"], 3),
    "key make": (["file:HERE/new.pem"], ["new.pem"], 3),
    "key rotate": (["operator"], ["log"], 3),
    "feed add": (["HERE/snow-1.0.0.yaml"], ["HERE/panel.yaml"], 3),
    "feed ls": ([], [], 3),
    "feed show": (["rain"], ["snow"], 3),
    "feed check": (["HERE/rain-1.0.0.yaml", "HERE/b.ndjson"], ["HERE/none.yaml", "HERE/b.ndjson"], 4),
    "feed account": (["rain"], ["snow"], 3),
    "feed clocks": (["rain"], ["snow"], 3),
    "feed verdicts": (["rain"], ["rain", "--rule", "no-such"], 3),
    "feed trust": (["rain"], ["rain", "--day", "soon"], 3),
    "feed certify": (["rain", "--day", "2026-09-02"], ["rain", "--day", "2026-09-03"], 3),
    "feed certificate": (["rain", "--batch", "0"], ["rain", "--day", "2026-09-02"], 1),
    "feed remember": (["rain"], ["snow"], 3),
    "source ls": ([], [], 3),
    "source add": ([*THINGS, "url=https://things.example/v1.1"], [*THINGS, "url=nowhere"], 3),
    "source rm": (["things"], ["none"], 3),
    "source try": (["things"], ["none"], 3),
    "source contract": (["open-meteo-weather", "-o", "HERE/weather.yaml"], ["none"], 3),
    "feed infer": (["HERE/b.ndjson"], ["HERE/none.csv"], 4),
    "feed breaking": (
        ["HERE/rain-1.0.0.yaml", "HERE/rain-1.0.0.yaml"],
        ["HERE/rain-1.0.0.yaml", "HERE/panel.yaml"],
        3,
    ),
    "sign": (
        ["rain", "HERE/b.ndjson", "--key", "HERE/rain-office.pem"],
        ["rain", "HERE/b.ndjson", "--key", "nobody"],
        4,
    ),
    "ingest": (["rain", "HERE/b.ndjson"], ["rain", "HERE/a.ndjson"], 1),
    "quarantine show": (["rain"], ["snow"], 3),
    "quarantine waiting": (["rain"], ["snow"], 3),
    "quarantine release": (
        ["rain", "--reason-code", "range", "--waive", "range:rain", *DECIDED],
        ["rain", "--all", "--waive", "duplicate-key", *DECIDED],
        3,
    ),
    "quarantine reject": (["rain", "--batch", "0", *DECIDED], ["rain", "--batch", "9", *DECIDED], 1),
    "personal protect": (
        [
            "HERE/people.csv",
            "--contract",
            "HERE/requests-1.0.0.yaml",
            "--to",
            "HERE/f.csv",
            "--keys",
            "HERE/k",
        ],
        ["HERE/people.csv", "--contract", "HERE/rain-1.0.0.yaml", "--to", "HERE/f.csv", "--keys", "HERE/k"],
        1,
    ),
    "personal take": (
        ["requests", "HERE/sent.csv", "--keys", "HERE/sent.keys"],
        ["requests", "HERE/sent.csv", "--keys", "HERE/people.csv"],
        3,
    ),
    "personal forget": (["requests", "sent.csv", *DECIDED], ["requests", "people.csv", *DECIDED], 1),
    "personal find": (
        ["requests", "--field", "phone", "--value", PHONE, *DECIDED],
        ["requests", "--field", "kind", "--value", "lamp", *DECIDED],
        1,
    ),
    "personal show": (
        ["requests", "--record", "0:1", *DECIDED],
        ["requests", "--record", "7:1", *DECIDED],
        1,
    ),
    "personal erase": (
        ["requests", "--record", "0:1", *DECIDED],
        ["requests", "--field", "phone", "--value", "nobody", *DECIDED],
        1,
    ),
    "personal retain": ([], ["snow"], 3),
    "personal accesses": ([], [], 3),
    "personal rotate": ([], [], 3),
    "table export": (["rain", "--to", "HERE/out.parquet"], ["rain", "--to", "HERE/out.xlsx"], 3),
    "table compact": (["rain"], ["snow"], 3),
    "panel follow": (["HERE/panel.yaml"], ["HERE/none.yaml"], 4),
    "panel update": ([], [], 3),
    "panel build": (
        ["HERE/panel.yaml", "--to", "HERE/p.csv"],
        ["HERE/rain-1.0.0.yaml", "--to", "HERE/p.csv"],
        3,
    ),
    "calibration fit": (
        ["post", "--definition", "HERE/cal.yaml"],
        ["post", "--definition", "HERE/panel.yaml"],
        3,
    ),
    "calibration apply": (["post", "--to", "HERE/c.csv"], ["post", "--to", "HERE/c.xlsx"], 3),
    "calibration show": (["post"], ["none"], 3),
    "calibration undo": (
        ["post", "--by", "An", "--reason", "blocked"],
        ["post", "--by", "", "--reason", "blocked"],
        3,
    ),
    "receipt": (
        ["rain", "--where", WHERE, "-o", "HERE/r.json"],
        ["rain", "--record", "9:1", "-o", "HERE/r.json"],
        1,
    ),
    "verify": (
        ["HERE/made.json", "--policy", "HERE/city/trust.policy"],
        ["HERE/a.ndjson", "--policy", "HERE/city/trust.policy"],
        3,
    ),
    "timestamp request": (["HERE/made.json", "-o", "HERE/q.tsq"], ["HERE/a.ndjson", "-o", "HERE/q.tsq"], 3),
    "timestamp attach": ([*STAMPED, "-o", "HERE/s.json"], ["HERE/a.ndjson", *STAMPED[1:], "-o", "HERE/s"], 3),
    "audit": ([], ["snow"], 3),
    "lineage": (["3"], ["99"], 3),
    "log show": ([], [], 3),
    "log fsck": ([], [], 3),
    "log reindex": ([], [], 3),
    "cose export": (["HERE/made.json", "-o", "HERE/r.scitt"], ["HERE/none.json", "-o", "HERE/r.scitt"], 4),
    "cose consistency": (["1", "-o", "HERE/r.cose"], ["0", "-o", "HERE/r.cose"], 3),
    "cose key": (["--policy", POLICY, "-o", "HERE/log.pem"], ["--policy", KEY, "-o", "HERE/log.pem"], 3),
    "cose verify": (["HERE/made.scitt", "--policy", POLICY], ["HERE/a.ndjson", "--policy", POLICY], 3),
    "model keygen": (
        ["--key", "HERE/new.pem", "--public", "HERE/new.pub"],
        ["--key", KEY, "--public", KEY],
        4,
    ),
    "model sign": (
        ["HERE/city/store", "--key", "HERE/made.pem", "-o", "HERE/new.sig"],
        ["HERE/city/store", "--key", KEY, "-o", "HERE/new.sig"],
        3,
    ),
    "model verify": (
        ["HERE/city/store", "--signature", "HERE/made.sig", "--key", "HERE/made.pub"],
        ["HERE/city/store", "--signature", "HERE/a.ndjson", "--key", "HERE/none.pub"],
        4,
    ),
    "model train": (
        [*TRAINED, "--seed", "2"],
        ["--panel", "HERE/panel.yaml", "--estimator", "none", "--target", "rain", "--horizons", "1"],
        3,
    ),
    "model ls": ([], [], 3),
    "model show": (["rain-hours"], ["none"], 3),
    "model assure": (["--print-policy"], ["none"], 3),
    "model compare": (["rain-hours", "rain-hours"], ["rain-hours", "none"], 3),
    "model reproduce": (["mine"], ["none"], 3),
    "model export": (["rain-hours", "--to", "HERE/out"], ["rain-hours", "--to", "HERE"], 4),
    "model card": (["rain-hours", "--to", "HERE/card.html"], ["rain-hours", "--to", "HERE/card.doc"], 3),
    "model dossier": (["rain-hours", "--for", "vn"], ["none", "--for", "vn"], 3),
    "model ask": (
        ["rain-hours", "--roll-back", "-o", "HERE/ask.json"],
        ["none", "--stop", "-o", "HERE/ask.json"],
        1,
    ),
    "model release": (
        ["--request", "HERE/asked.json", "--approval", "HERE/approval.json"],
        ["--request", "HERE/a.ndjson", "--approval", "HERE/approval.json"],
        3,
    ),
    "model stop": (["rain-hours", "--rule", "too-wrong"], ["none", "--rule", "too-wrong"], 1),
    "model roll-back": (
        ["rain-hours", "--key", "HERE/lan.pem", "--by", LAN, "--why", "worse"],
        ["rain-hours", "--key", "HERE/rain-office.pem", "--by", LAN, "--why", "worse"],
        1,
    ),
    "model stages": ([], [], 3),
    "monitor follow": (
        ["HERE/city/store/log", "--policy", POLICY, "--state", "HERE/state.json"],
        ["HERE/nowhere", "--policy", POLICY],
        4,
    ),
    "monitor evidence": (
        ["HERE/fork.json", "--policy", POLICY],
        ["HERE/a.ndjson", "--policy", POLICY],
        3,
    ),
    "monitor acknowledge": (
        ["all", "--state", "HERE/state.json", "--reason", "seen"],
        ["12345678", "--state", "HERE/state.json", "--reason", "seen"],
        3,
    ),
    "log publish": ([], [], 3),
    "log serve": ([], [], 3),
    "serve": ([], [], 3),
    "witness serve": (
        ["HERE/city/trust.policy", "--name", "w", "--dir", "HERE/w"],
        ["HERE/panel.yaml", "--name", "w", "--dir", "HERE/w"],
        3,
    ),
    "app ls": ([], [], 3),
    "app show": (["rain-hours"], ["none"], 3),
    "app run": (["rain-hours"], ["none"], 3),
    "app score": (["rain-hours"], ["rain-hours", "--until", "2030-01-01T00:00:00Z"], 3),
    "app override": (
        [*OVERRIDDEN, "--approval", "HERE/override.json"],
        [*OVERRIDDEN, "--approval", "HERE/closing.json"],
        3,
    ),
    "app decisions": (["rain-hours"], ["rain-hours", "--run", "9"], 3),
    "app pages": (["rain-hours", "--to", "HERE/out"], ["rain-hours", "--to", "HERE/a.ndjson/out"], 4),
    "app places": (["rain-hours", "HERE/places.csv"], ["rain-hours", "HERE/a.ndjson"], 3),
    "scoreboard show": (["rain-hours"], ["none"], 3),
    "scoreboard export": (["rain-hours", "--to", "HERE/b.html"], ["none", "--to", "HERE/b.html"], 3),
    "register ls": ([], [], 3),
    "register show": (["rain-hours"], ["none"], 3),
    "register export": (["--to", "HERE/reg"], ["--to", "HERE/a.ndjson/reg"], 4),
    "incident open": (
        ["rain-hours", "wrong-2", "--severity", "low", "--by", "An", "--what", "late"],
        ["rain-hours", "wrong-1", "--severity", "low", "--by", "An", "--what", "late"],
        1,
    ),
    "incident update": (
        ["rain-hours", "wrong-1", "--by", "An", "--what", "seen"],
        ["rain-hours", "wrong-2", "--by", "An", "--what", "seen"],
        1,
    ),
    "incident close": (
        ["rain-hours", "wrong-1", "--what", "cleaned", "--approval", "HERE/closing.json"],
        ["rain-hours", "wrong-1", "--what", "cleaned", "--approval", "HERE/a.ndjson"],
        3,
    ),
    "incident ls": (["rain-hours"], ["none"], 3),
    "officer add": (["an", "--duty", "release"], ["An", "--duty", "release"], 3),
    "officer ls": ([], [], 3),
    "officer rotate": (["hoa"], ["none"], 3),
    "officer revoke": (["hoa", "--reason", "left"], ["none", "--reason", "left"], 3),
    "officer sign": (
        ["HERE/override-asked.json", *SIGNED, "--yes"],
        ["HERE/a.ndjson", *SIGNED, "--yes"],
        3,
    ),
    "witness show": (["--dir", "HERE/uni"], ["--dir", "HERE/none"], 3),
    "gateway invite": ([f"{AGENCY}/edge-1", "--feeds", "rain"], ["nobody/edge-1"], 3),
    "gateway join": (["0000"], ["0000", "--city", "http://127.0.0.1:9", "-c", "HERE/edge/new.yaml"], 3),
    "gateway check": (EDGE, ["-c", "HERE/none.yaml"], 4),
    "gateway run": (EDGE, ["-c", "HERE/panel.yaml"], 3),
    "gateway status": (EDGE, ["-c", "HERE/none.yaml"], 4),
    "gateway resend": (["--since", "2026-09-01", *EDGE], ["--since", "yesterday", *EDGE], 3),
    "gateway model": (["rain-hours", "--to", "HERE/edge/model"], ["none", "--to", "HERE/edge/model"], 3),
}
# What speaks of a feed's data says whether they are simulated; these are, and say so.
MARKED = {
    "agency ls",
    "device ls",
    "feed add",
    "feed ls",
    "feed show",
    "feed account",
    "feed clocks",
    "feed check",
    "feed breaking",
    "feed verdicts",
    "feed trust",
    "feed certify",
    "feed certificate",
    "feed remember",
    "calibration fit",
    "calibration apply",
    "calibration show",
    "calibration undo",
    "sign",
    "ingest",
    "quarantine show",
    "quarantine waiting",
    "quarantine release",
    "quarantine reject",
    "personal protect",
    "personal take",
    "personal forget",
    "personal find",
    "personal show",
    "personal erase",
    "table export",
    "panel build",
    "receipt",
    "verify",
    "audit",
    "lineage",
    "log show",
    "cose export",
    "cose verify",
    *(f"model {verb}" for verb in OF_MODELS),
    *(f"app {verb}" for verb in ("run", "override", "decisions", "pages")),
    *("scoreboard show", "scoreboard export", "register ls", "register show", "register export"),
    *(f"incident {verb}" for verb in ("open", "update", "close", "ls")),
    "monitor follow",
    "gateway model",
}
NO_HOME = {
    "source contract",
    *("init", "demo", "feed check", "feed infer", "feed breaking", "personal protect", "verify"),
    *("key make", "timestamp request", "timestamp attach"),
    *("cose key", "cose verify", "model keygen", "model sign", "model verify"),
    *("monitor follow", "monitor evidence", "monitor acknowledge", "witness serve", "witness show"),
    *("officer sign", "source contract"),
    *(f"gateway {verb}" for verb in ("join", "check", "run", "status", "resend")),
}
# These go on until they are stopped, or ask somebody else: other tests run them.
ENDLESS = {"up", "serve", "log serve", "witness serve", "source try", "gateway join", "gateway run"}


def home_of(name: str) -> str:
    """The city that a command is tried on."""
    if name.startswith(("calibration", "device")):
        return "posted"  # a city of its own, so that entries of the other have their numbers
    if name.startswith("personal"):
        return "people"
    if name.removeprefix("model ") in OF_MODELS:
        return "modelled"
    if name == "gateway model":
        return "modelled"
    return "decided" if name.split()[:1] and name.split()[0] in OF_DECISIONS else "city"


def arguments(name: str, given: list[str], folder: Path, home: str = "city") -> list[str]:
    home = home_of(name) if home == "city" else home
    spelled = [a.replace("HERE", str(folder)) for a in given]
    return [*name.split(), *spelled, *([] if name in NO_HOME else ["--home", str(folder / home)])]
