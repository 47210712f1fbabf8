"""A use case inferred from a table: every guess with its evidence, and what was considered and refused."""

from plumbline.ops.infer.add_usecase import write
from plumbline.ops.infer.guess import Guess
from plumbline.ops.infer.inference import infer, label_candidates

__all__ = ["Guess", "infer", "label_candidates", "write"]
