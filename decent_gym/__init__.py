"""A local market for heat and electricity that you can train trading agents in."""
