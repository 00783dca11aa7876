"""The Django app that creates and changes users in bulk from a file, after a preview. It stores unconfirmed files.

May import `accounts`, whose rules it applies, `spreadsheets`, which reads the file, and the packages in the layers
below them.
"""
