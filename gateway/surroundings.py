"""Variables that are no settings of ours and that the libraries obey: the way out of the machine, AWS and PostgreSQL.

`ksmp serve` obeys them, and its log says which are set. It says the names alone, because values may hold passwords.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

import httpx

from gateway.settings import SettingsError

# The authorities that are trusted, for OpenSSL, httpx and the AWS SDK, and a file that TLS keys are written to.
AUTHORITIES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def leads_out(name: str) -> bool:
    """Whether it says how to get out of the machine: by a proxy, and whom to trust there."""
    return name in AUTHORITIES or name.lower().endswith("_proxy")


def is_of_aws(name: str) -> bool:
    return name.startswith(("AWS_", "BOTO_"))


def is_of_postgres(name: str) -> bool:
    return name.startswith("PG")


def obeyed(environ: Mapping[str, str]) -> list[str]:
    """The names of those that are set, in order."""
    return sorted(name for name in environ if leads_out(name) or is_of_aws(name) or is_of_postgres(name))


def http_client(**options: Any) -> httpx.AsyncClient:
    """An HTTP client that obeys them; raises SettingsError when they cannot be obeyed."""
    try:
        return httpx.AsyncClient(**{"verify": authorities()} | options)
    except (ImportError, ValueError) as error:
        raise unusable_proxy(_first_line(error)) from None


def unusable_proxy(why: str) -> SettingsError:
    """What to say when a client cannot be made for the proxy that they name."""
    return SettingsError(
        f"A proxy that http_proxy, https_proxy or all_proxy name cannot be used ({why}); "
        "name one that begins with http://, or unset the variable."
    )


def authorities() -> ssl.SSLContext:
    """The TLS settings of HTTP clients; reading them takes 50 ms. Raises SettingsError."""
    try:
        return httpx.create_ssl_context()
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"What SSL_CERT_FILE, SSL_CERT_DIR or SSLKEYLOGFILE name cannot be used ({_first_line(error)}); "
            "name files that are there, or unset the variable."
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
