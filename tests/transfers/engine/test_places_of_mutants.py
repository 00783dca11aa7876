"""The code snippets that `make mutants` replaces still exist. That command runs too rarely to reveal a lost snippet."""

from tests.harness.mutants.__main__ import every_mutant


def test_every_hand_picked_place_exists_exactly_once() -> None:
    by_hand = [mutant for mutant in every_mutant() if mutant.file.endswith(".py")]
    assert len(by_hand) > 60
