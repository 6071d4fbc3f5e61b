"""What the words of interactions say, coded once at ingest: tone, effort, talk of leaving."""

from pipelines.history.words.expressions import coder
from pipelines.history.words.lexicon import OURS, Lexicon, lexicon

__all__ = ["OURS", "Lexicon", "coder", "lexicon"]
