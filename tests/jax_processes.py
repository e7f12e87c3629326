"""One process of several whose devices share arrays of JAX: `python jax_processes.py RANK PROCESSES ADDRESS TASK`."""

from __future__ import annotations

import sys
from typing import Any

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from memory import mebibytes

import arrayinit as ai

RANK, PROCESSES = int(sys.argv[1]), int(sys.argv[2])


def struct(shape: tuple[int, ...], *spec: str | None) -> Any:
    mesh = jax.make_mesh((len(jax.devices()),), ("d",), axis_types=(AxisType.Auto,))
    return jax.ShapeDtypeStruct(shape, np.dtype("float32"), sharding=NamedSharding(mesh, PartitionSpec(*spec)))


def half(x: Any) -> Any:
    """Return a struct as ``x`` of bfloat16, which holds the values below 257."""
    return jax.ShapeDtypeStruct(x.shape, jax.numpy.bfloat16, sharding=x.sharding)


def check(filled: Any, x: Any, whole: np.ndarray, tolerance: float) -> None:
    assert filled.sharding == x.sharding
    assert len(filled.addressable_shards) == len(jax.local_devices())
    for shard in filled.addressable_shards:
        np.testing.assert_allclose(np.asarray(shard.data, whole.dtype), whole[shard.index], rtol=0, atol=tolerance)


def fill_all() -> None:
    """Fill arrays that are cut over all processes, and check what lies in this one."""
    shape = (16, 24)
    values = (np.arange(16 * 24, dtype=np.float32) % 257).reshape(shape)
    plain, key = jax.ShapeDtypeStruct(shape, np.dtype("float32")), jax.random.key(0)
    fills = {
        "a seed": lambda x: ai.normal_(x, rng=0),
        "zeros": lambda x: ai.sparse_(x, 0.3, rng=0),
        "a matrix": lambda x: ai.orthogonal_(x, rng=0),
        "a key": lambda x: ai.normal_(x, rng=key),
        "a key and zeros": lambda x: ai.sparse_(x, 0.3, rng=key),
        "a generator of NumPy": lambda x: ai.normal_(x, rng=np.random.default_rng(0)),
        "a constant": lambda x: ai.constant_(x, 2.5),
        "ones on the diagonal": ai.eye_,
        "values of NumPy": lambda x: ai.copy_(x, values),
        "values of JAX": lambda x: ai.copy_(x, ai.copy_(x, values)),
        "a program": lambda x: jax.jit(lambda: ai.normal_(plain, rng=0), out_shardings=x.sharding)(),
    }
    for spec in (("d",), (None, "d"), ()):
        x = struct(shape, *spec)
        for name, fill in fills.items():
            here = {"values of JAX": fills["values of NumPy"], "a program": fills["a seed"]}.get(name, fill)
            check(fill(x), x, np.asarray(here(plain)), 2e-5 if name == "a matrix" else 0)
        whole = ai.copy_(x, values)
        check(ai.copy_(half(x), whole), half(x), values, 0)
        if x.sharding.is_fully_replicated:
            np.testing.assert_array_equal(ai.copy_(np.empty(shape, np.float32), whole), values)
        else:
            with pytest.raises(TypeError, match="cannot be read: other processes hold a part"):
                ai.copy_(np.empty(shape, np.float32), whole)
        with pytest.raises(ValueError, match=r"rng=None would draw different values .* integer seed"):
            ai.normal_(x)


def audit_all() -> None:
    """Audit models of which other processes hold a part: what is here, and the whole."""
    structs = {name: struct((400, 240), *spec) for name, spec in {"rows": ("d",), "columns": (None, "d")}.items()}
    plan = ai.plan(structs, [("rows", ai.normal(std=0.02)), ("*", ai.uniform(-1.0, 1.0))])
    filled = ai.initialize(structs, plan, rng=0)
    whole = ai.initialize({name: np.empty(x.shape, x.dtype) for name, x in structs.items()}, plan, rng=0)
    rows = plan.audit(filled).rows
    assert [row.measured.count for row in rows] == [400 * 240 // PROCESSES] * 2
    digests = [row.measured.sha256 for row in plan.audit(whole).rows]
    assert [row.measured.sha256 for row in plan.audit(filled, communicate=True).rows] == digests
    filled["rows"] = ai.normal_(structs["rows"], std=0.0206, rng=0)
    for communicate in (False, True):
        (fault,) = plan.audit(filled, communicate=communicate).faults
        assert fault.startswith("rows: the std is 0.02"), fault
    fill_fused()


def fill_fused() -> None:
    """Fill and audit a fused weight whose parts end inside shards."""
    structs = {"rows.x": struct((400, 240), "d"), "columns.x": struct((400, 240), None, "d")}
    rules: list[Any] = [
        ("rows.x", ai.parts(ai.normal(std=0.02), 0, {"a": 250, "b": 150}, values={"b": ai.zeros()})),
        ("columns.x", ai.stack(ai.normal(std=0.02), axis=1)),
    ]
    plan = ai.plan(structs, rules)
    filled = ai.initialize(structs, plan, rng=0)
    whole = ai.initialize({name: np.empty(x.shape, x.dtype) for name, x in structs.items()}, plan, rng=0)
    for name, x in structs.items():
        check(filled[name], x, whole[name], 0.0)
    assert plan.audit(filled).ok
    digests = [row.measured.sha256 for row in plan.audit(whole).rows]
    assert [row.measured.sha256 for row in plan.audit(filled, communicate=True).rows] == digests
    wrong = plan.audit({**filled, "rows.x": ai.normal_(structs["rows.x"], std=0.02, rng=0)}, communicate=True)
    assert wrong.faults == ["rows.x, part 'b': the values are not those of zeros()"], wrong.faults


def fill_alone() -> None:
    """Make the one shard of this process, of an array of 16 GiB, while the others do nothing; print the peak in MiB."""
    x = struct((1 << 16, 1 << 16), "d")
    if RANK > 0:
        return
    (shard,) = ai.normal_(x, rng=0).addressable_shards
    assert shard.data.nbytes == 1 << 28
    np.testing.assert_array_equal(shard.data[:2, :8], ai.normal_(np.empty((2, 1 << 16), np.float32), rng=0)[:, :8])
    sys.stdout.write(str(mebibytes("VmHWM")))


jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(sys.argv[3], num_processes=PROCESSES, process_id=RANK)
{"audit_all": audit_all, "fill_all": fill_all, "fill_alone": fill_alone}[sys.argv[4]]()
jax.distributed.shutdown()
