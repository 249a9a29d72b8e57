"""What runs on while others live: serve, subscribe, witness."""
