"""Break the site at random moments during bulk transfers, and check every row afterwards.

    make chaos                      ten rounds
    make chaos ROUNDS=100 SEED=7    100 rounds; the same seed draws the same faults in the same order
    make load                       measure page times and memory while a large transfer runs

Everything runs on separate servers in a temporary folder and is stopped and removed at the end, even after Ctrl-C.

- `ground`: starts the servers and programs, restarts programs that exit, and copies the databases from a template
- `world`: draws the pairs of a round at random and confirms their transfer
- `faults`: the faults and how each is repaired
- `recovery`: tracks outages, and measures the time from each recovery of the site until the next pair is done
- `poison`: pairs whose records cause failures
- `meddlers`: users who browse pages, and another system that writes rows and takes locks
- `late`: the rows that the other system writes, and where each must be after the transfer
- `round`: runs one round, from the confirmation to the checks
- `model`: computes the expected result in plain Python
- `control`: transfers the same pairs again in another database, in the same order and without faults
- `checker`: compares rows with the results of `model` and `control`, and pairs with their counts
- `undone`: undoes the transfers of a third of the rounds, with further faults, and compares all rows with those before
- `recorded`: checks the states, audit events, counts and journal of the pairs
- `foreign`: a Django app with awkward tables of another program; the test apps' tables take part too
- `deadly`: a Django app that kills the process when it updates certain rows
- `clocked`: a Django app that lets a test change a program's clock
"""
