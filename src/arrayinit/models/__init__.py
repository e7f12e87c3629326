"""Whole models: rules, a plan, and one seed."""

from arrayinit.models.actions import Keep
from arrayinit.models.audit import Audit
from arrayinit.models.parameter import Parameter
from arrayinit.models.readers import Reader, Reading, register_reader
from arrayinit.models.resolve import Step

__all__ = ["Audit", "Keep", "Parameter", "Reader", "Reading", "Step", "register_reader"]
