"""The text of a LightGBM model, checked before the library reads it.

LightGBM's own reader trusts its input: sizes that do not fit end the process, or read memory that is not the
model's. So every tree is read here first: its lists are of the lengths that it says, and its nodes are one
tree, in which each node and each leaf is reached once. Only what our own trees are made of is taken: numbers,
no categories, no linear leaves, one tree an iteration.

References
----------
LightGBM 4, ``src/boosting/gbdt_model_text.cpp`` and ``src/io/tree.cpp``.
"""

import re
from collections.abc import Mapping, Sequence

from veracity.models.errors import MalformedModel

MAX_TREES = 100_000
MAX_LEAVES = 131_072
MAX_FEATURES = 100_000
_HEAD = (
    *("version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective"),
    *("feature_names", "feature_infos", "tree_sizes"),
)
_WHOLE = re.compile(r"-?[0-9]{1,10}(?: -?[0-9]{1,10})*")
_DIGITS = r"-?[0-9]{1,24}(?:\.[0-9]{0,24})?(?:e[+-]?[0-9]{1,2}|e-[0-9]{3})?"
_FINITE = re.compile(f"{_DIGITS}(?: {_DIGITS})*")
# A threshold that parts what is known from what is not is infinite.
_NUMBER = re.compile(f"(?:{_DIGITS}|-?inf)(?: (?:{_DIGITS}|-?inf))*")
_WORDS = re.compile(r"[!-~]+(?: [!-~]+)*")
_OF_NODES = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child")
_BESIDE_NODES = ("internal_value", "internal_weight", "internal_count")
_OF_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
_CHILDREN = ("left_child", "right_child")
_TREE = {*_OF_NODES, *_BESIDE_NODES, *_OF_LEAVES, "num_leaves", "num_cat", "is_linear", "shrinkage"}


def check_text(text: str, name: str) -> None:
    """Raise MalformedModel unless a text is a LightGBM model that can be read and asked safely."""
    head, *trees = text.split("\nTree=")
    said = _fields(head.split("\n")[1:], f"{name}, head")
    if not set(said) <= {*_HEAD, "average_output", "monotone_constraints"}:
        raise MalformedModel(f"{name}: want a head of {', '.join(_HEAD)}, got {sorted(said)[:12]}")
    if (said.get("num_class"), said.get("num_tree_per_iteration")) != ("1", "1"):
        raise MalformedModel(f"{name}: want one class and one tree an iteration, got others")
    n_features = _whole(said, "max_feature_idx", f"{name}, head", 0, MAX_FEATURES - 1) + 1
    for one in ("feature_names", "feature_infos"):
        _list(said, one, f"{name}, head", n_features, _WORDS)
    if not 0 < len(trees) <= MAX_TREES:
        raise MalformedModel(f"{name}: want 1 to {MAX_TREES:,} trees, got {len(trees):,}")
    trees[-1], end, _ = trees[-1].partition("end of trees\n")
    if not end:
        raise MalformedModel(f"{name}: want an end of trees, got none")
    sizes = [len("Tree=") + len(tree) + (number < len(trees) - 1) for number, tree in enumerate(trees)]
    if said.get("tree_sizes", "").split(" ") != [str(size) for size in sizes]:
        raise MalformedModel(f"{name}: want tree_sizes as its trees are, got others")
    for number, tree in enumerate(trees):
        _check_tree(tree, number, f"{name}, tree {number}", n_features)


def _check_tree(tree: str, number: int, where: str, n_features: int) -> None:
    first, *lines = tree.split("\n")
    said = _fields(lines, where)
    if first != str(number) or not set(said) <= _TREE:
        raise MalformedModel(f"{where}: want a tree of that number and known fields, got {first[:20]!r}")
    n_leaves = _whole(said, "num_leaves", where, 1, MAX_LEAVES)
    if (said.get("num_cat"), said.get("is_linear", "0")) != ("0", "0"):
        raise MalformedModel(f"{where}: want no categories and no linear leaves, got some")
    _list({"shrinkage": "1"} | said, "shrinkage", where, 1, _FINITE)
    _list(said, "leaf_value", where, n_leaves, _FINITE)
    if n_leaves == 1:
        return
    for one in ("threshold", *(said.keys() & {"split_gain", *_BESIDE_NODES})):
        _list(said, one, where, n_leaves - 1, _NUMBER)
    for one in said.keys() & {"leaf_weight", "leaf_count"}:
        _list(said, one, where, n_leaves, _NUMBER)
    _wholes(said, "split_feature", where, n_leaves - 1, 0, n_features - 1)
    if any(kind & 1 for kind in _wholes(said, "decision_type", where, n_leaves - 1, 0, 15)):
        raise MalformedModel(f"{where}: want splits of numbers, got one of categories")
    left, right = (_wholes(said, one, where, n_leaves - 1, -n_leaves, n_leaves - 2) for one in _CHILDREN)
    # Each node but the first is some node's child, once, and later than it: so there is no way back.
    forward = all(child < 0 or child > node for side in (left, right) for node, child in enumerate(side))
    if not forward or sorted([*left, *right]) != [*range(-n_leaves, 0), *range(1, n_leaves - 1)]:
        raise MalformedModel(f"{where}: want nodes that are one tree, got others")


def _fields(lines: Sequence[str], where: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for line in filter(None, lines):
        name, equals, value = line.partition("=")
        if name in said or (not equals and name != "average_output"):
            raise MalformedModel(f"{where}: want lines of name=value, each once, got {line[:40]!r}")
        said[name] = value
    return said


def _list(said: Mapping[str, str], name: str, where: str, n: int, form: re.Pattern[str]) -> str:
    """Return a line of ``n`` words of a form."""
    line = said.get(name, "")
    if line.count(" ") != n - 1 or not form.fullmatch(line):
        raise MalformedModel(f"{where}, {name}: want {n:,} of {form.pattern[:60]}, got {line[:40]!r}")
    return line


def _wholes(said: Mapping[str, str], name: str, where: str, n: int, low: int, high: int) -> list[int]:
    found = [int(one) for one in _list(said, name, where, n, _WHOLE).split(" ")]
    if not low <= min(found) <= max(found) <= high:
        raise MalformedModel(f"{where}, {name}: want whole numbers from {low} to {high}, got others")
    return found


def _whole(said: Mapping[str, str], name: str, where: str, low: int, high: int) -> int:
    return _wholes(said, name, where, 1, low, high)[0]
