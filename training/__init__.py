"""Training and evaluation, one readable script each; they run from a checkout."""
