"""LoRA: adapters that start as zero, beside weights that are kept."""

from __future__ import annotations

import math
from typing import Any

from arrayinit.core.layouts import parse
from arrayinit.initializers.basic import normal
from arrayinit.initializers.constant import zeros
from arrayinit.initializers.kaiming import kaiming_uniform
from arrayinit.models.actions import keep
from arrayinit.models.parameter import Parameter
from arrayinit.models.rules import Rule
from arrayinit.recipes import names
from arrayinit.recipes.of_parameter import OfParameter


def lora(*, gaussian: bool = False, rank: int | None = None) -> list[Rule]:
    r"""Return the rules of LoRA: adapters that change nothing at first.

    The layer computes :math:`W x + \frac{\alpha}{r} B A x`. The weight :math:`W` is kept. :math:`B` starts as zero, and

    .. math::

        A \sim \mathcal{U}\left(-\frac{1}{\sqrt{\text{fan\_in}}}, \frac{1}{\sqrt{\text{fan\_in}}}\right)
        \quad\text{or}\quad A \sim \mathcal{N}\left(0, \frac{1}{r^2}\right)

    where :math:`r` is the rank and :math:`\text{fan\_in}` the number of inputs of :math:`A`. The uniform distribution
    is ``kaiming_uniform(a=math.sqrt(5))``. In an embedding, :math:`A` starts as zero and
    :math:`B \sim \mathcal{N}(0, 1)`. Biases of adapters start as zero.

    Parameters
    ----------
    gaussian
        Whether the weights ``A`` are normal, as with ``init_lora_weights="gaussian"`` of peft.
    rank
        The rank for ``gaussian``. By default, it is the number of outputs of each ``A``. In peft, the ``A`` of stacked
        experts has the outputs of all experts together: pass the rank of one.

    Returns
    -------
    list of Rule
        The rules, in the names of peft (``lora_A.default.weight``, ``lora_embedding_A.default``), of torchtune
        (``lora_a.weight``), of Flax nnx (``lora_a``) and of Keras (``lora_kernel_a``, ``lora_embeddings_a``).

    Raises
    ------
    ValueError
        ``rank`` is not positive.

    Notes
    -----
    The last rule keeps all other parameters, so they must have values. The magnitudes of DoRA are kept, too: they are
    the norms of the weights, which peft computes.

    Examples
    --------
    >>> import arrayinit as ai, numpy as np
    >>> model = {
    ...     "fc.base_layer.weight": np.ones((8, 16)),
    ...     "fc.lora_A.default.weight": np.empty((4, 16)),
    ...     "fc.lora_B.default.weight": np.empty((8, 4)),
    ... }
    >>> for step in ai.plan(model, ai.recipes.lora()):
    ...     print(step.name, step.action)
    fc.base_layer.weight keep()
    fc.lora_A.default.weight kaiming_uniform(a=2.23606797749979, layout='OI...')
    fc.lora_B.default.weight zeros()

    References
    ----------
    E. J. Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021. S. Mangrulkar et al., "PEFT:
    State-of-the-art Parameter-Efficient Fine-Tuning methods", 2022.
    """
    if rank is not None and rank < 1:
        raise ValueError(f"rank must be positive, got {rank!r}")

    def uniform(p: Parameter) -> Any:
        return kaiming_uniform(a=math.sqrt(5.0)) if p.layout else kaiming_uniform(a=math.sqrt(5.0), layout=_layout(p))

    def gauss(p: Parameter) -> Any:
        return normal(std=1.0 / (rank or _outputs(p)))

    random = (
        OfParameter(f"normal(std=1 / {rank or 'outputs'})", gauss)
        if gaussian
        else OfParameter("kaiming_uniform(a=sqrt(5))", uniform)
    )
    return [
        # A model without adapters is refused.
        Rule(names.LORA_ZERO, zeros()),
        Rule(names.LORA_RANDOM, random, optional=True),
        Rule(names.LORA_RANDOM_OF_EMBEDDING, normal(), optional=True),
        Rule("**", keep()),
    ]


def _layout(p: Parameter) -> str:
    """Return the layout of an A that stands alone, by the spelling: A of torch, a of JAX and Keras."""
    return p.layout or ("OI..." if "lora_A" in p.name.split(".") else "...IO")


def _outputs(p: Parameter) -> int:
    return parse(_layout(p), p.shape).sizes(p.shape)[0]
