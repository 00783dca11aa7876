"""An organisation's own app, as docs/extending.md builds it: headsets lent to agents, and the door system's log."""
