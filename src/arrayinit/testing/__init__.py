"""Conformance checks for authors of an adapter.

`check_library` runs every check in one call. A parametrized test shows each check on its own::

    @pytest.mark.parametrize("check", checks(LIBRARY), ids=str)
    def test_arrayinit(check):
        check()
"""

from arrayinit.testing.checks import Check, check_library, checks
from arrayinit.testing.library import Library

__all__ = ["Check", "Library", "check_library", "checks"]
