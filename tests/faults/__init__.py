"""The campaign: faults of machines, files, networks and users, played against the real commands and functions."""
