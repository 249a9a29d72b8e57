"""How fast, measured how: ``make bench``; every script also runs alone."""
