"""recipes.torch_defaults: the bits, or the laws, of the constructors of all layers of torch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from peers import peer
from same_laws import MUTANTS, SIZE, Pool, differ, draws

import arrayinit as ai
from arrayinit.recipes import torch_defaults

pytestmark = pytest.mark.peers

Arguments = tuple[Any, ...]
Shapes = tuple[tuple[Arguments, dict[str, Any]], ...]


def shapes(*of: Arguments, last: dict[str, Any] | None = None) -> Shapes:
    """Return the arguments of three layers; the last one has options too."""
    return tuple((arguments, (last or {}) if arguments is of[-1] else {}) for arguments in of)


CONVOLUTION = shapes((4, 6, 3), (3, 5, 1), (8, 4, 2), last={"groups": 4})
NORM = shapes((5,), (1,), (7,), last={"affine": False})
INSTANCE = tuple((arguments, {"affine": True, "track_running_stats": True}) for arguments in ((5,), (1,), (7,)))
CELL = shapes((5, 8), (1, 3), (7, 2), last={"bias": False})
RECURRENT = shapes((5, 8), (1, 3, 2), (7, 6, 2), last={"bidirectional": True, "proj_size": 3})

BITS: dict[str, Shapes] = {
    "AdaptiveLogSoftmaxWithLoss": shapes((16, 20, [5, 10]), (8, 9, [3]), (64, 30, [9, 20]), last={"head_bias": True}),
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"), NORM),
    "Bilinear": shapes((5, 6, 7), (1, 2, 3), (9, 4, 1), last={"bias": False}),
    **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d"), CONVOLUTION),
    **dict.fromkeys(("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"), CONVOLUTION),
    **dict.fromkeys(("Embedding", "EmbeddingBag"), shapes((9, 8), (1, 33), (5, 3), last={"padding_idx": 2})),
    **dict.fromkeys(("GRU", "RNN"), shapes((5, 8), (1, 3, 2), (7, 6, 2), last={"bidirectional": True})),
    "LSTM": RECURRENT,
    **dict.fromkeys(("GRUCell", "LSTMCell", "RNNCell"), CELL),
    "GroupNorm": shapes((2, 6), (1, 5), (4, 4), last={"affine": False}),
    **dict.fromkeys(("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"), INSTANCE),
    "LayerNorm": shapes((5,), ((2, 3),), (7,), last={"bias": False}),
    "Linear": shapes((12, 10), (1, 3), (64, 33), last={"bias": False}),
    "PReLU": shapes((), (5,), (3, 0.5)),
    "RMSNorm": shapes((5,), ((2, 3),), (7,), last={"elementwise_affine": False}),
    "RNNBase": shapes(("GRU", 5, 8), ("LSTM", 1, 3, 2), ("RNN_TANH", 7, 6), last={"bidirectional": True}),
    "RNNCellBase": shapes((5, 8, True, 1), (1, 3, True, 4), (7, 2, False, 3)),
}

# What these draw is thrown away in part, or drawn in another order than that of the parameters.
LAWS: dict[str, Shapes] = {
    "MultiheadAttention": shapes((8, 2), (6, 1, 0.0, False), (12, 3), last={"kdim": 5, "vdim": 7, "add_bias_kv": True}),
    "Transformer": shapes((8, 2, 1, 2, 12), (4, 1, 1, 1, 3), (12, 3, 2, 1, 5), last={"bias": False}),
}
# They have no reset method of their own: the weights are those of their layers, or of copies of one layer.
LAYERS = {
    f"Transformer{part}": shapes((8, 2, 12), (4, 1, 3), (12, 3, 5), last={"bias": False})
    for part in ("EncoderLayer", "DecoderLayer", "Encoder", "Decoder")
}
LAZY = {
    "LazyLinear": ((5,), (2, 7)),
    **{f"Lazy{way}{n}d": ((6, 3), (2, 4, *[9] * n)) for n in (1, 2, 3) for way in ("Conv", "ConvTranspose")},
    **{f"LazyBatchNorm{n}d": ((), (2, 4, *[3] * (max(1, n)))) for n in (1, 2, 3)},
    **{f"LazyInstanceNorm{n}d": ((1e-5, 0.1, True, True), (2, 4, *[3] * n)) for n in (1, 2, 3)},
}
# Of 500 000 draws and more in each weight.
LARGE: dict[str, tuple[Arguments, dict[str, Any]]] = {
    "MultiheadAttention": ((712, 2), {"add_bias_kv": True}),
    "TransformerEncoderLayer": ((712, 2, 712), {}),
    "TransformerDecoderLayer": ((712, 2, 712), {}),
    "Transformer": ((712, 2, 1, 1, 712), {}),
}
DTYPES = ("float32", "bfloat16")


def with_reset() -> set[str]:
    """Return the names of all classes of torch.nn with a reset method."""
    nn = peer("torch").nn
    methods = ("reset_parameters", "_reset_parameters")
    classes = {name: cls for name, cls in vars(nn).items() if isinstance(cls, type) and issubclass(cls, nn.Module)}
    return {name for name, cls in classes.items() if any(hasattr(cls, method) for method in methods)}


def test_each_class_with_a_reset_method_is_compared() -> None:
    found = with_reset()
    assert found == {*BITS, *LAWS, *LAZY}
    assert len(found - LAZY.keys()) >= 32


def made(name: str, arguments: Arguments, options: dict[str, Any], dtype: str, seed: int = 7) -> Any:
    """Return a new layer; its generator began from the seed."""
    torch = peer("torch")
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        # Nested tensors need batches first.
        warnings.filterwarnings("ignore", "enable_nested_tensor", UserWarning)
        if name in ("TransformerEncoder", "TransformerDecoder"):
            return getattr(torch.nn, name)(made(f"{name}Layer", arguments, options, dtype, seed), 2)
        return getattr(torch.nn, name)(*arguments, **options, dtype=getattr(torch, dtype))


def poisoned(model: Any) -> Any:
    """Overwrite all that the model holds."""
    torch = peer("torch")
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.fill_(torch.nan if tensor.is_floating_point() else 99)
    return model


def tensors(model: Any) -> dict[str, Any]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict(keep_vars=True).items()}


def same(model: Any, theirs: dict[str, Any]) -> None:
    ours = tensors(model)
    assert ours.keys() == theirs.keys()
    for name, x in theirs.items():
        # Zeros of either sign are equal.
        assert peer("torch").equal(ours[name], x), name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BITS)
def test_each_layer_has_the_bits_of_its_constructor(name: str, dtype: str) -> None:
    for arguments, options in BITS[name]:
        layer = made(name, arguments, options, dtype)
        theirs = tensors(layer)
        assert theirs or not layer.state_dict()
        peer("torch").manual_seed(7)
        ai.initialize(poisoned(layer), torch_defaults())
        same(layer, theirs)


@pytest.mark.parametrize("name", LAZY)
def test_lazy_layers_are_refused_until_they_ran(name: str) -> None:
    torch, (arguments, inputs) = peer("torch"), LAZY[name]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Lazy modules are a new feature", UserWarning)
        layer = getattr(torch.nn, name)(*arguments).eval()
    with pytest.raises(ValueError, match="lazy, and has no shape yet"):
        ai.plan(layer, torch_defaults())
    torch.manual_seed(7)
    layer(torch.ones(inputs))
    theirs = tensors(layer)
    torch.manual_seed(7)
    ai.initialize(poisoned(layer), torch_defaults())
    same(layer, theirs)


@contextmanager
def recorded_states() -> Iterator[dict[int, Any]]:
    """Record the state of torch's generator before each draw, by the memory of the tensor, and of its copies."""
    torch = peer("torch")
    states: dict[int, Any] = {}

    class Mode(torch.utils._python_dispatch.TorchDispatchMode):  # type: ignore[misc,name-defined]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func.__name__ in ("uniform_.default", "normal_.default"):
                states[args[0].data_ptr()] = torch.get_rng_state()
            result = func(*args, **(kwargs or {}))
            if func.__name__ == "clone.default" and args[0].data_ptr() in states:
                states[result.data_ptr()] = states[args[0].data_ptr()]
            return result

    with Mode():
        yield states


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*LAWS, *LAYERS])
def test_each_parameter_of_attention_has_the_bits_of_its_own_state(name: str, dtype: str) -> None:
    torch = peer("torch")
    for arguments, options in {**LAWS, **LAYERS}[name]:
        with recorded_states() as states:
            layer = made(name, arguments, options, dtype)
        theirs = tensors(layer)
        plan = ai.plan(layer, torch_defaults())
        parameters = dict(layer.named_parameters())
        assert {step.name for step in plan} == theirs.keys()
        poisoned(layer)
        for step in plan:
            state = states.get(parameters[step.name].data_ptr())
            if step.action.draws:
                assert state is not None
                torch.set_rng_state(state)
            step.action(parameters[step.name])
        same(layer, theirs)


@pytest.mark.parametrize("name", LARGE)
def test_attention_has_the_laws_of_its_constructor(name: str) -> None:
    layer = made(name, *LARGE[name], "float32")
    parameters = dict(layer.named_parameters())
    for step in ai.plan(layer, torch_defaults()):
        theirs = Pool(draws(parameters[step.name], ()))
        ours = Pool(draws(step.action(parameters[step.name], rng=5), ()))
        if not step.action.draws:
            np.testing.assert_array_equal(theirs.values, ours.values)
            continue
        assert not differ(theirs, ours), step.name
        # Smaller tensors show nothing here: each of their bits is compared above.
        assert len(theirs) < SIZE or all(differ(theirs, change(ours, step)) for change in MUTANTS)


def test_a_parametrized_layer_is_refused_until_a_rule_names_its_original() -> None:
    nn = peer("torch").nn
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))
    with pytest.raises(ValueError, match=r"parametrizations\.weight\.original0"):
        ai.plan(layer, torch_defaults())
    rules = [("original*", ai.normal()), *torch_defaults()]
    assert [repr(step.action) for step in ai.plan(layer, rules)] == ["uniform(a=-0.5, b=0.5)", "normal()", "normal()"]


def test_layers_without_inputs_and_layers_that_need_memory_are_filled() -> None:
    nn = peer("torch").nn
    with peer("torch").device("meta"):
        model = nn.Sequential(nn.Conv2d(3, 8, 3, groups=1), nn.BatchNorm2d(8), nn.LSTM(4, 4), nn.Embedding(5, 4, 1))
    ai.initialize(model, torch_defaults(), rng=0, device="cpu")
    assert ai.plan(model, torch_defaults()).audit(model).ok
    assert not model[3].weight[1].any()
    assert not model[1].running_mean.any()
    assert model[1].num_batches_tracked == 0
    with pytest.warns(UserWarning, match="no elements|zero-element"):
        empty = nn.Linear(0, 3)
    empty.bias.data.fill_(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ai.initialize(empty, torch_defaults(), rng=0)
    assert not empty.bias.any()


def test_the_plan_is_json() -> None:
    nn = peer("torch").nn
    plan = ai.plan(nn.Transformer(8, 2, 1, 1, 12, batch_first=True), torch_defaults())
    assert ai.Plan.from_json(plan.to_json()) == plan
