from tests.harness.upgrade.later import REAL

__path__ = [*__path__, *REAL]
