"""The limits of live feeds are read strictly: what is not understood is not passed over."""

from pathlib import Path

import pytest

from veracity.home.errors import MalformedLimits
from veracity.home.live.limits import Limits, parse_limits, read_limits
from veracity.home.live.rates import Buckets, Rate


def test_a_feed_has_its_own_and_for_the_rest_those_of_all() -> None:
    limits = parse_limits(
        b"default: {max_bytes: 100}\nfeeds:\n  air: {device: {per_second: 0.5, burst: 3}}\n  water: {}\n"
    )
    assert limits.of("air") == Limits(max_bytes=100, device=Rate(0.5, 3))
    assert limits.of("water") == limits.of("other") == Limits(max_bytes=100)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_limits(tmp_path).of("air") == Limits()
    (tmp_path / "live.yaml").write_text("")
    assert read_limits(tmp_path).of("air") == Limits()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_bytes: 1", "want default, feeds"),
        ("default: {max_byte: 1}", "default: want max_bytes"),
        ("default: {max_bytes: 0}", "default.max_bytes: want 1 to"),
        ("default: {max_bytes: true}", "default.max_bytes: want 1 to"),
        ("default: {max_records: 1e9}", "default.max_records: want 1 to"),
        ("default: {device: {per_second: 1}}", "want per_second and burst"),
        ("default: {device: {per_second: .nan, burst: 1}}", "per_second: want"),
        ("default: 5", "default: want a mapping"),
        ("feeds: {Air: {}}", "want names of feeds"),
        ("a: [", "want YAML"),
        ("a: " + "x" * 300_000, "at most"),
    ],
)
def test_anything_else_is_refused(text: str, said: str) -> None:
    with pytest.raises(MalformedLimits, match=said):
        parse_limits(text.encode())


def test_a_bucket_fills_at_its_rate_and_no_further() -> None:
    """Ten at once, then one a second; a clock set back takes nothing away and gives nothing."""
    buckets = Buckets(Rate(1.0, 10))
    assert sum(buckets.take("a", 0.0) for _ in range(20)) == 10
    assert sum(buckets.take("a", 3.5) for _ in range(20)) == 3
    assert sum(buckets.take("a", -100.0) for _ in range(20)) == 0
    assert sum(buckets.take("a", 1e6) for _ in range(20)) == 10
    assert buckets.take("b", 0.0)
