"""The mutation check: faults planted in linflow one at a time, each of which some test must catch.

    python -m tests.mutations

A test suite that passes says little until it has been seen to fail. `table` lists faults that a person makes (an index off
by one, a variance for a standard deviation, a union bound left out); `runner` plants each in a copy of the tree and runs
the tests that are expected to catch it there. A fault that no test catches is a statement that nobody checks.

To add one: a `Fault` in `table`, its `old` text found exactly once in its file, and the fastest test that sees it.
"""
