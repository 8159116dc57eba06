"""What accounts refuse, besides the codes of the core.

accounts.last_admin   409: nobody would be left to administer the platform
"""

from __future__ import annotations

from gateway.errors import Conflict


def last_admin() -> Conflict:
    return Conflict("this is the last admin; make somebody else one first", code="accounts.last_admin")
