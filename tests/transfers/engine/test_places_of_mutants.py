"""The code snippets that `make mutants` replaces still exist. The command is run too rarely to notice a missing one."""

from tests.harness.mutants.__main__ import every_mutant


def test_every_hand_picked_place_exists_exactly_once() -> None:
    by_hand = [mutant for mutant in every_mutant() if mutant.file.endswith(".py")]
    assert len(by_hand) > 60
