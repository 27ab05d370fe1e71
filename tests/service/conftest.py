from tests.support.watchers import watchers

__all__ = ["watchers"]
