"""Faults about flows that come from outside: how they are read, what they are held against, what tells them apart."""

from __future__ import annotations

from tests.mutations.runner import Fault

_READERS, _LAWS, _WRAPPED = "linflow/deep/readers.py", "linflow/deep/laws.py", "linflow/deep/wrapped.py"
_METHODS = "linflow/experiments/methods.py"
_OWN = "deep_wrap.py::test_a_flow_of_another_library_keeps_its_density_and_is_a_flow"
_NAMED = "deep_laws.py::test_each_fault_is_named_with_its_number"


def _fault(file: str, name: str, what: str, old: str, new: str, *tests: str) -> Fault:
    """Tests without ``tests/test_`` in front."""
    return Fault(name, what, file, old, new, tuple(f"tests/test_{test}" for test in tests))


OUTSIDE = (
    _fault(
        "linflow/deep/bijection.py",
        "density-overflow",
        "a log-density beyond the range of numbers is NaN",
        "if bool(torch.isnan(found).any()):",
        "if False:",
        "deep_laws.py::test_far_out_a_log_density_is_minus_infinity_or_a_number_and_never_nan",
    ),
    _fault(
        "linflow/deep/flow.py",
        "nan-anywhere-is-far",
        "a NaN near the data passes for a density beyond the range of numbers",
        "out = ~(white.abs().amax(-1) <= 1 / torch.finfo(self.dtype).eps)",
        "out = ~(white.abs().amax(-1) < 0)",
        "deep_laws.py::test_a_nan_that_is_no_overflow_stays",
    ),
    _fault(
        _READERS,
        "zuko-direction",
        "zuko's transform taken for the map from latents to signals",
        "_pair(_distribution(model).transform.inv.call_and_ladj(z))",
        "_pair(_distribution(model).transform.call_and_ladj(z))",
        f"{_OWN}[zuko]",
    ),
    _fault(
        _READERS,
        "base-left-out",
        "the mean and scale that a base has learnt are left out",
        "return base.mean_[0], torch.exp(base.log_std_[0])",
        "return None",
        "deep_wrap.py::test_the_base_is_what_the_latents_come_out_of",
    ),
    _fault(
        _WRAPPED,
        "base-without-volume",
        "the scale of the base does not count in the log-determinant",
        "return x.view(*batch, self.n), (change + std.log().sum()).view(batch)",
        "return x.view(*batch, self.n), change.view(batch)",
        f"{_OWN}[nflows-diagonal]",
    ),
    _fault(
        _WRAPPED,
        "wrapped-images-channels-last",
        "images reach a model with their channels last",
        "own = self._to_grid((x - self.mean).to(self.dtype))\n        z, change",
        "own = (x - self.mean).to(self.dtype).reshape(-1, *self._signal_shape)\n        z, change",
        "deep_wrap.py::test_images_go_to_a_model_with_their_channels_first",
    ),
    _fault(
        "linflow/deep/solve.py",
        "solve-mean-of-the-flow",
        "the flow's mean in the place of its Gaussian model's",
        "flow.tensor(linear.mean) + moved",
        "flow.mean + moved",
        f"{_OWN}[zuko]",
    ),
    _fault(
        _LAWS,
        "law-of-the-jacobian",
        "a log-determinant is not held against autograd's Jacobian",
        "if case.jacobian is not None:\n        told",
        "if case.jacobian is None and case.jacobian is not None:\n        told",
        "deep_laws.py::test_a_log_determinant_with_both_signs_wrong_is_caught_by_the_jacobian",
    ),
    _fault(
        _LAWS,
        "law-of-the-batch",
        "rows of a batch may depend on each other",
        "single = [map_(row[None]) for row in given]",
        "single = [map_(given)]",
        f"{_NAMED}[batch norm]",
    ),
    _fault(
        _LAWS,
        "law-far-out",
        "a log-density far out may be NaN",
        "if bool(torch.isnan(found).any() | torch.isposinf(found).any()):",
        "if bool(torch.isposinf(found).any()):",
        f"{_NAMED}[far]",
    ),
    _fault(
        "linflow/deep/store.py",
        "saved-unread",
        "what would be loaded as another flow is saved",
        "whole = whole and (not",
        "whole = whole or (not",
        "deep_store.py::test_what_could_not_be_loaded_is_not_saved",
    ),
    _fault(
        "linflow/checks.py",
        "channels-anywhere",
        "images with their channels first are taken",
        "if len(shape) >= 3 and shape[-3] in _CHANNELS",
        "if len(shape) >= 9 and shape[-3] in _CHANNELS",
        "deep_store.py::test_images_with_their_channels_first_are_refused",
    ),
    _fault(
        "linflow/experiments/stored.py",
        "cells-of-another-flow",
        "cells are kept whatever flow they come from",
        '{} if flow is None else {"flow": [flow.digest, flow.weights]}',
        "{}",
        "deep_outside.py::test_a_flow_is_kept_under_its_content_and_not_its_name",
    ),
    _fault(
        "linflow/experiments/stored.py",
        "cells-of-other-weights",
        "the weights that a function reads do not count",
        '"flow": [flow.digest, flow.weights]',
        '"flow": [flow.digest]',
        "deep_outside.py::test_weights_that_a_function_reads_count_too",
    ),
    _fault(
        "linflow/deep/outside.py",
        "another-flow-in-each-process",
        "a function may make another flow in each process",
        'if given.weights not in ("", flow.digest()):',
        "if False:",
        "deep_outside.py::test_a_flow_that_is_another_in_each_process_is_refused",
    ),
    _fault(
        "linflow/deep/outside.py",
        "size-of-the-images",
        "a flow of another size than the images is taken",
        "if flow.n != n:",
        "if flow.n < 0:",
        "deep_outside.py::test_every_deep_experiment_takes_a_flow_of_its_images_and_no_other",
    ),
    _fault(
        "linflow/experiments/stored.py",
        "cells-of-another-method",
        "cells are kept whatever methods they compare",
        '{"methods": {name: method.digest for name, method in methods.items()}} if methods else {}',
        "{}",
        "methods.py::test_a_method_is_kept_under_its_content_and_not_its_place",
    ),
    _fault(
        _METHODS,
        "method-changes-what-others-see",
        "the measurements that a method gets are those of all",
        'y, (m, n), shape = finite_array(self.y, "y")',
        "y, (m, n), shape = np.asarray(self.y, dtype=np.float64)",
        "methods.py::test_nothing_is_shared_that_a_method_could_change",
    ),
    _fault(
        _METHODS,
        "method-draws-for-others",
        "a method draws from the random numbers of the cell",
        "own = dataclasses.replace(problem, rng=own_generator(problem, name))",
        "own = dataclasses.replace(problem)",
        "methods.py::test_nothing_is_shared_that_a_method_could_change",
    ),
    _fault(
        _METHODS,
        "method-of-any-shape",
        "an estimate of another shape is taken",
        "if estimates.shape != expected:",
        "if estimates.size != len(problem.y) * problem.n:",
        "methods.py::test_what_is_no_estimate_is_a_sentence_with_the_methods_name[transposed]",
    ),
    _fault(
        _METHODS,
        "projections-are-the-identity",
        "measurements pass for noisy signals where A is a projection",
        "np.random.default_rng(self.n).standard_normal(self.n)",
        "np.zeros(self.n)",
        "methods.py::test_noisy_signals_are_there_only_where_signals_are_measured",
    ),
    _fault(
        "linflow/experiments/outside.py",
        "method-in-the-place-of-anothers",
        "a method may be called as one of the experiment's own",
        "if taken := [name for name in found if name.lower() in known]:",
        "if taken := [name for name in found if name in ()]:",
        "methods.py::test_what_names_no_method_is_refused_before_anything_runs",
    ),
    _fault(
        "linflow/experiments/compared.py",
        "method-told-upside-down",
        "the worst place is told as the best",
        "ordered = sorted(there, key=lambda place: float(there[place].mean()))",
        "ordered = sorted(there, key=lambda place: -float(there[place].mean()))",
        "deep_methods.py::test_of_many_places_the_best_and_the_worst_are_told",
    ),
    _fault(
        "linflow/testing/methods.py",
        "method-by-batches",
        "a method whose estimate depends on the batch passes",
        "if not drew:",
        "if drew:",
        "methods.py::test_wrong_methods_fail",
    ),
    _fault(
        "simulations/deep_inpainting.py",
        "method-against-another-reference",
        "a method from outside is compared with the flow and called compared with the linear model",
        'told(name, "linear model", {place: _gain(found, REFERENCE, name)',
        'told(name, "linear model", {place: _gain(found, "biharmonic", name)',
        "deep_methods.py::test_every_comparison_shows_methods_from_outside_and_keeps_its_own_numbers[deep-inpainting]",
    ),
)
