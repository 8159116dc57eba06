"""The gateway and the shop of the tests of refunds."""

from tests.modules.payments.refunds.conftest import cloud, environ, node, shop

__all__ = ["cloud", "environ", "node", "shop"]
