"""What a transfer will do: predicted numbers by pair and data type, the plan and its hash, the preview's content.

May import `engine`, `validation`, `people_csv` and what is below them.
"""
