"""What learning agents must find: small markets whose equilibria are known, learned and checked."""
