"""The faults of the frameworks, each with the test that shows it, and the mark of what fails there."""

from __future__ import annotations

import pytest

# By the file that has the tests.
FAULTS: dict[str, dict[str, str]] = {
    "test_faults_of_torch": {
        "trunc_normal_ redraws every element": "test_trunc_normal_draws_one_number_an_element",
        "far bounds slow trunc_normal_ down": "test_far_bounds_cost_trunc_normal_no_more_draws",
        "wide bounds slow trunc_normal_ down": "test_wide_bounds_cost_trunc_normal_no_more_draws",
        "trunc_normal_ is not fullgraph-compilable": "test_trunc_normal_compiles_into_one_graph",
        "trunc_normal_ loops for ever on some offloaded shards": "test_trunc_normal_ends_on_an_offloaded_shard",
        "sparse_ ignores its generator": "test_sparse_draws_its_zeros_from_its_generator_too",
        "sparse_ makes one permutation a column": "test_sparse_takes_no_more_operations_for_more_columns",
        "dirac_ sets elements one by one": "test_dirac_takes_no_more_operations_for_more_channels",
        "orthogonal_ has no bfloat16 and no float16": "test_orthogonal_takes_16_bit_types",
        "orthogonal_ fails on complex tensors": "test_orthogonal_takes_complex_tensors",
        "orthogonal_ fails on channels_last": "test_orthogonal_takes_channels_last",
        "bfloat16 uniform_ is biased": "test_the_mean_of_bfloat16_uniforms_is_that_of_the_interval",
        "bfloat16 uniform_ never reaches its upper bound": "test_bfloat16_uniforms_reach_their_upper_bound",
    },
    "test_faults_of_dtensor": {
        "on a CPU mesh every shard gets the same values": "test_the_shards_of_a_cpu_mesh_get_different_values",
        "the values depend on the number of shards": "test_the_values_do_not_depend_on_the_number_of_shards",
        "the values depend on the model of the GPU": "test_the_values_do_not_depend_on_the_model_of_the_gpu",
    },
    "test_faults_of_jax": {
        "bfloat16 normals have 128 values": "test_bfloat16_normals_have_all_their_values",
        "bfloat16 normals are biased": "test_the_mean_of_bfloat16_normals_is_zero",
        "bfloat16 normals stop at 2.9 sigma": "test_bfloat16_normals_have_tails",
        "he on a (0, 4) shape divides by zero": "test_he_on_an_empty_weight_is_a_no_op",
        "he on a bias does not say what to do": "test_he_on_a_bias_says_how_to_initialize_one",
        "he on a bias indexes past its shape": "test_he_with_more_axes_than_a_bias_has_names_its_shape",
        "orthogonal has no 16-bit types": "test_orthogonal_takes_16_bit_types",
        "complex truncated normals vary by 1.9 % too much": "test_complex_truncated_normals_have_the_stated_variance",
    },
    "test_faults_of_keras": {
        "truncated normals on torch leave the bounds": "test_truncated_normals_stay_within_two_sigma",
        "16-bit uniforms on NumPy return maxval as rounded": "test_16_bit_uniforms_are_not_rounded_past_maxval",
        "seeds are added on torch": "test_the_second_weight_of_a_seed_is_not_the_first_of_the_next",
        "one initializer gives identical weights": "test_an_unseeded_initializer_used_twice_gives_different_weights",
    },
    "test_faults_of_all": {
        "other chunks, other values (dask)": "test_the_values_do_not_depend_on_the_chunks",
        "grouped and transposed layers and attention have wrong fans": "test_the_fans_are_those_of_the_layer",
        "one seed gives different weights on every framework": "test_one_seed_gives_the_same_weights_on_both",
    },
}


def failing(peer: str, reason: str, raises: type[Exception] = AssertionError) -> pytest.MarkDecorator:
    """Run a test by arrayinit, and by the peer, where it has to fail: a mended fault is an error of the test."""
    mark = pytest.mark.xfail(strict=True, raises=raises, reason=reason)
    return pytest.mark.parametrize("by", ["arrayinit", pytest.param(peer, marks=mark)])
