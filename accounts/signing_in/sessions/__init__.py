"""Sessions: idle and absolute limits, the session store, and the signed database cache."""
