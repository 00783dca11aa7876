from tests.upgrade.later import REAL

__path__ = [*__path__, *REAL]
