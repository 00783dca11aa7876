"""What `make mutants` breaks is still there: the code moves on, and the tool is used seldom."""

from tests.mutants.__main__ import every_mutant


def test_every_place_that_was_chosen_by_hand_is_there() -> None:
    by_hand = [mutant for mutant in every_mutant() if mutant.file.endswith(".py")]
    assert len(by_hand) > 60
