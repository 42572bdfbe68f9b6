"""The experiments: one file each, over linflow's public face. Run one with ``linflow run NAME``."""
