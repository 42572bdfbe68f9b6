"""``python -m linflow``: the command line."""

from linflow.cli import main

main()
