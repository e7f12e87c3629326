"""Initializers for the arrays of any library, with the names of torch.nn.init."""

from arrayinit.backends.registry import register_backend
from arrayinit.core.scales import calculate_gain
from arrayinit.initializers.basic import normal_, trunc_normal_, uniform_
from arrayinit.initializers.constant import constant_, ones_, zeros_
from arrayinit.initializers.copy import copy_
from arrayinit.initializers.fans import calculate_fan_in_and_fan_out
from arrayinit.initializers.identity import dirac_, eye_
from arrayinit.initializers.kaiming import kaiming_normal_, kaiming_uniform_
from arrayinit.initializers.orthogonal import delta_orthogonal_, orthogonal_
from arrayinit.initializers.sparse import sparse_
from arrayinit.initializers.variance_scaling import lecun_normal_, lecun_uniform_, variance_scaling_
from arrayinit.initializers.xavier import xavier_normal_, xavier_uniform_
from arrayinit.stream.seed import fold_in

__version__ = "0.1.0"

__all__ = [
    "calculate_fan_in_and_fan_out",
    "calculate_gain",
    "constant_",
    "copy_",
    "delta_orthogonal_",
    "dirac_",
    "eye_",
    "fold_in",
    "kaiming_normal_",
    "kaiming_uniform_",
    "lecun_normal_",
    "lecun_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "register_backend",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "variance_scaling_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
