"""The algebra of the theory checked by Coq, for every size: ``*.v``, one idea a file; ``linflow prove --machine``.

What integrals and Gaussian laws contribute stands in the theorems as hypotheses that can be read there. ``chapters`` says
for each file what it shows, which hypotheses are not discharged, and which statements of the ledger treat the same.
``statements.txt`` holds every definition and theorem as Coq prints it.
"""
