"""The site is broken on purpose, at random moments, while it moves bulks of people; afterwards every row is checked.

    make chaos                      ten rounds
    make chaos ROUNDS=100 SEED=7    a hundred; the same seed breaks the same things in the same order
    make load                       many pairs over many rows while people look at the pages

Everything runs on servers of its own in a temporary folder, and everything is stopped at the end, also on Ctrl-C.

- `ground`: the servers, the databases that are copies of one template, and the programs, which are started again
- `world`: the pairs of a round, drawn and confirmed as a person would
- `faults`: what is broken, and how it is mended
- `recovery`: what is broken when, and how long the next pair takes afterwards
- `meddlers`: poisonous pairs, people who look at pages, and another system that writes and locks
- `late`: the rows that it writes, and where each of them must be
- `round`: one round, from the confirmation to the end
- `model`: what the rules say of the pairs, in plain Python
- `control`: the same pairs once more, in the same order and undisturbed, in a database of their own
- `checker`: compares what is there with both row by row, and the pairs with the audit log and the sums
- `deadly`: an app that lets a row kill the process that touches it
- `clocked`: an app that lets the clock of a program be set
"""
