"""A ledger as tables, Parquet or CSV, and the records back out of them, bit for bit."""
