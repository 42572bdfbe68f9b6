"""Side-by-side benchmarks: linflow and what is used for the same work today, measured in one run on the machine at hand.

>>> from linflow.bench.rows import ROWS
>>> [row.name for row in ROWS][:3]
['curves', 'flops', 'tall']
"""
