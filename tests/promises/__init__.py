"""What the product promises, R1 to R15, each with a test that breaks it on purpose: see `docs/promises.md`.

python -m tests.promises        take each protection away, in a copy, and show that its test notices
"""
