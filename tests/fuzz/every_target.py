"""All targets: a module of targets counts once it is imported here."""

import targets_log
import targets_provenance
import targets_witness
from fuzzing import TARGETS

__all__ = ["TARGETS", "targets_log", "targets_provenance", "targets_witness"]
