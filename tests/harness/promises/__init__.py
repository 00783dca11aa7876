"""Tests that try to break the promises R1 to R15 of `docs/promises.md`.

To check that each test can fail, `python -m tests.harness.promises` removes the code behind each promise in a copy of
the project and runs its test.
"""
