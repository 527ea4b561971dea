"""Vectors of policies: whom a reader believes, and which notes that lets through."""

from collections.abc import Sequence

from log_world import (
    LOG,
    LOG_LINE,
    ORIGIN,
    OTHER,
    QUANTUM_LINE,
    TWO_OF_THREE,
    WITNESS_LINES,
    WITNESSES,
    Case,
    bad,
    content,
    cosigned,
    policy_text,
    tree,
)

from veracity.log.notes import sign_note


def policies() -> dict[str, list[Case]]:
    note = sign_note(tree(7).format(), [LOG])
    one, two, _ = WITNESSES
    other_log = sign_note(tree(7).format(), [OTHER])

    def reads(
        text: str, *, witnesses: Sequence[str] = (), groups: Case | None = None, quorum: str | None
    ) -> Case:
        told = {"logs": [ORIGIN], "witnesses": list(witnesses), "groups": groups or {}, "quorum": quorum}
        return {"policy": content(text.encode()), "reads": told}

    names = ["w0", "w1", "w2"]
    nested = policy_text(
        LOG_LINE, *WITNESS_LINES, "group inner any w0 w1", "group outer all inner w2", "quorum outer"
    )

    def malformed(name: str, why: str, text: str | bytes) -> Case:
        data = text if isinstance(text, bytes) else text.encode()
        return bad(name, why, "malformed-policy", policy=content(data))

    group = f"group g 1 {'w0'}"
    return {
        "valid": [
            {"name": "one log", **reads(policy_text(LOG_LINE, "quorum none"), quorum=None)},
            {
                "name": "comments, tabs and blank lines",
                **reads(f"# whom I believe\n\n \t# more\n\t{LOG_LINE}\t \nquorum\tnone\n", quorum=None),
            },
            {
                "name": "addresses",
                **reads(
                    policy_text(f"{LOG_LINE} https://log.example/", "quorum none"),
                    quorum=None,
                ),
            },
            {
                "name": "two of three",
                **reads(TWO_OF_THREE, witnesses=names, groups={"two": [2, *names]}, quorum="two"),
                "checks": [
                    {"note": content(cosigned(note, one, two)), "witnesses": ["w0", "w1"]},
                    {"note": content(cosigned(note, *WITNESSES)), "witnesses": names},
                    {"note": content(cosigned(note, one)), "code": "policy-rejected"},
                    {"note": content(cosigned(note, one, one)), "code": "policy-rejected"},
                    {"note": content(note), "code": "policy-rejected"},
                    {"note": content(cosigned(other_log, one, two)), "code": "policy-rejected"},
                    {"note": content(cosigned(note, one, two)[:-1]), "code": "malformed-note"},
                    {"note": content(note.replace(b"\n7\n", b"\n8\n")), "code": "policy-rejected"},
                ],
            },
            {
                "name": "groups of groups",
                **reads(
                    nested,
                    witnesses=names,
                    groups={"inner": [1, "w0", "w1"], "outer": [2, "inner", "w2"]},
                    quorum="outer",
                ),
                "checks": [
                    {"note": content(cosigned(note, two, WITNESSES[2])), "witnesses": ["w1", "w2"]},
                    {"note": content(cosigned(note, one, two)), "code": "policy-rejected"},
                ],
            },
            {
                "name": "a witness of ML-DSA-44",
                **reads(policy_text(LOG_LINE, QUANTUM_LINE, "quorum none"), witnesses=["pq"], quorum=None),
            },
            {
                "name": "a name that is no UTF-8",
                "policy": content(
                    policy_text(LOG_LINE, WITNESS_LINES[0], "group g any w0", "quorum g")
                    .replace(" g", " \udcff")
                    .encode("utf-8", "surrogateescape")
                ),
                "reads": {"logs": [ORIGIN], "witnesses": ["w0"], "groups": None, "quorum": None},
            },
        ],
        "invalid": [
            malformed("no quorum", "exactly one line", policy_text(LOG_LINE)),
            malformed("two quorums", "exactly one line", policy_text(LOG_LINE, "quorum none", "quorum none")),
            malformed("an unknown quorum", "defined above", policy_text(LOG_LINE, "quorum w")),
            malformed(
                "an unknown word", "four words are known", policy_text(LOG_LINE, "trust all", "quorum none")
            ),
            malformed("words in capitals", "four words are known", policy_text(LOG_LINE, "Quorum none")),
            malformed("log twice", "each key once", policy_text(LOG_LINE, LOG_LINE, "quorum none")),
            malformed(
                "a witness as log", "type 0x01", policy_text(f"log {one.verifier.format()}", "quorum none")
            ),
            malformed(
                "a log as witness",
                "type 0x04 or 0x06",
                policy_text(f"witness w {LOG.verifier.format()}", "quorum w"),
            ),
            malformed(
                "a member not defined",
                "defined above",
                policy_text(LOG_LINE, group, WITNESS_LINES[0], "quorum g"),
            ),
            malformed(
                "a member of two groups",
                "of one only",
                policy_text(LOG_LINE, *WITNESS_LINES, "group a 1 w0", "group b 2 w0 w1", "quorum b"),
            ),
            malformed(
                "a threshold of 0",
                "1 at least",
                policy_text(LOG_LINE, *WITNESS_LINES, "group a 0 w0", "quorum a"),
            ),
            malformed(
                "a threshold too high",
                "no more than there are",
                policy_text(LOG_LINE, *WITNESS_LINES, "group a 2 w0", "quorum a"),
            ),
            malformed(
                "a threshold with a leading zero",
                "one value, one spelling",
                policy_text(LOG_LINE, *WITNESS_LINES, "group a 01 w0", "quorum a"),
            ),
            *(
                malformed(
                    f"a threshold called {word}",
                    "any, all or a decimal",
                    policy_text(LOG_LINE, *WITNESS_LINES, f"group a {word} w0 w1", "quorum a"),
                )
                for word in ("constructor", "toString", "__proto__", "Any", "2n", "0x1", "1e0")
            ),
            malformed(
                "a witness called none",
                "a free name",
                policy_text(LOG_LINE, WITNESS_LINES[0].replace("w0", "none")),
            ),
            malformed(
                "a name twice", "a free name", policy_text(LOG_LINE, WITNESS_LINES[0], WITNESS_LINES[0])
            ),
            malformed(
                "carriage returns", "no control character", policy_text(LOG_LINE + "\r", "quorum none\r")
            ),
            malformed("no last newline", "each line ends in one", policy_text(LOG_LINE, "quorum none")[:-1]),
            malformed("nothing", "a quorum at least", ""),
            malformed(
                "a key that is no UTF-8", "names of keys are", b"log a\xff+00000000+AQ==\nquorum none\n"
            ),
        ],
    }
