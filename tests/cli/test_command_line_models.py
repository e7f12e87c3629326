"""The models that the command line initializes."""

import math

import pytest

from arrayinit.cli.models import MODELS, gpt2, resnet50


def test_the_models_are_the_real_ones():
    parameters = {name: list(model()) for name, model in MODELS.items()}
    assert {name: len(arrays) for name, arrays in parameters.items()} == {"gpt2": 148, "resnet50": 161}
    # The published totals.
    assert sum(p.size for p in parameters["gpt2"]) == 124_439_808
    assert sum(p.size for p in parameters["resnet50"]) == 25_557_032
    for arrays in parameters.values():
        assert len({p.name for p in arrays}) == len(arrays)


def test_some_parameters_of_each_model():
    gpt = {p.name: p for p in gpt2()}
    assert gpt["h.11.mlp.c_proj.weight"].shape == (3072, 768)
    assert gpt["h.11.mlp.c_proj.weight"].std == pytest.approx(0.02 / math.sqrt(24))
    assert gpt["wte.weight"].std == 0.02
    assert (gpt["ln_f.weight"].constant, gpt["ln_f.bias"].constant) == (1, 0)
    resnet = {p.name: p for p in resnet50()}
    assert resnet["layer4.0.downsample.0.weight"].shape == (2048, 1024, 1, 1)
    assert resnet["conv1.weight"].std == pytest.approx(math.sqrt(2 / (64 * 49)))
    assert resnet["fc.weight"].shape == (1000, 2048)


def test_resnet_is_initialized_as_torch_layers_are():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    fills = {p.name: p.fill for p in resnet50()}
    linear = torch.nn.Linear(2048, 1000, device="meta").to_empty(device="cpu")
    torch.manual_seed(0)
    linear.reset_parameters()
    torch.manual_seed(0)
    for name in ("weight", "bias"):
        assert torch.equal(fills[f"fc.{name}"](torch.empty_like(getattr(linear, name)), None), getattr(linear, name))
