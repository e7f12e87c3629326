"""Checks that the arrays of a library are filled as promised, for authors of an adapter.

One call checks all of it, and one parametrized test shows each check:

    @pytest.mark.parametrize("check", checks(LIBRARY), ids=str)
    def test_arrayinit(check):
        check()
"""

from arrayinit.testing.checks import Check, check_library, checks
from arrayinit.testing.library import Library

__all__ = ["Check", "Library", "check_library", "checks"]
