"""Break the site at random moments during bulk transfers, and check every row afterwards.

    make chaos                      ten rounds
    make chaos ROUNDS=100 SEED=7    a hundred; the same seed causes the same faults in the same order
    make load                       many pairs over many rows while users browse the pages

Everything runs on separate servers in a temporary folder, and is stopped at the end, also on Ctrl-C.

- `ground`: the servers, the databases copied from one template, and the programs, which are restarted
- `world`: the pairs of a round, drawn at random and confirmed through the actions
- `faults`: faults and their repair
- `recovery`: outages, and the time until the next pair afterwards
- `meddlers`: poison pairs, users who browse pages, and another system that writes and locks
- `late`: the rows written by that system, and where each must be afterwards
- `round`: one round, from the confirmation to the end
- `model`: the expected result in plain Python
- `control`: the same pairs again, in the same order and undisturbed, in another database
- `checker`: compares the rows with both, and the pairs with the audit log and the control sums
- `deadly`: an app that lets a row kill the process that touches it
- `clocked`: an app that lets the clock of a program be changed
"""
