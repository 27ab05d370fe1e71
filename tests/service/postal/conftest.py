from tests.support.watchers import data, line, neighbours_as_usual, story

__all__ = ["data", "line", "neighbours_as_usual", "story"]
