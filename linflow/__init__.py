"""linflow: theory verification and simulation for invertible generative models in inverse problems."""
