"""Tests that attack the promises R1 to R15 of `docs/promises.md`.

python -m tests.harness.promises        remove each protection, in a copy, and check that its test fails
"""
