"""The entries that every log here is given: small, simulated, each its own."""


def entries(first: int, n: int) -> list[bytes]:
    """Return entries ``first`` up to ``first + n``, 88 bytes each."""
    return [
        b"%012d %s" % (i, b"simulated reading of a sensor, as small as an entry may well be in practice")
        for i in range(first, first + n)
    ]
