"""Predict what a transfer will do: counts by pair and data type, the plan and its hash, the content of the preview.

This package may import `engine`, `validation`, `people_csv` and the layers below them.
"""
