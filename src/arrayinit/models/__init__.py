"""Whole models: rules, a plan, and one seed."""

from arrayinit.models.actions import Keep
from arrayinit.models.parameter import Parameter
from arrayinit.models.readers import Reader, Reading, register_reader

__all__ = ["Keep", "Parameter", "Reader", "Reading", "register_reader"]
