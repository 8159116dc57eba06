"""The service account that sends: who it is, and the key it signs with."""

from __future__ import annotations

import msgspec

from gateway.settings import SettingsError

VARIABLE = "KSMP_NOTIFY_FCM_CREDENTIALS"


class ServiceAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What Google's console gives as a JSON file, as far as it is needed."""

    project_id: str
    client_email: str
    private_key: str
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105
    private_key_id: str = ""

    def __repr__(self) -> str:
        return f"ServiceAccount({self.client_email})"


def read_account(text: str) -> ServiceAccount:
    """Raises SettingsError, which does not show what it read."""
    try:
        account = msgspec.json.decode(text, type=ServiceAccount)
    except msgspec.DecodeError as error:
        raise SettingsError(f"{VARIABLE} is not the JSON of a service account: {error}") from None
    if "PRIVATE KEY" not in account.private_key:
        raise SettingsError(f"{VARIABLE} has no private key.")
    return account
