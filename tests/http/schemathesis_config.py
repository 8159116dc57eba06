"""What schemathesis must know that a schema cannot say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# A request that is as described may still meet another state than its sender has seen, or come too often.
EXPECTED = ["2xx", "304", "401", "403", "404", "409", "412", "422", "428", "429", "503"]
# What `data` must be depends on `cmd`.
COMMANDS = "/api/v1/rooms/{room}/commands"
PLACE = "/api/v1/programs/{id}/enrolment"
# They put the caller out, and with that end the run.
LAST_CALLS = ("POST /api/v1/auth/logout", "POST /api/v1/auth/revoke", "DELETE /api/v1/users/me")
# What is done to a user is done to nobody whom other tests know.
USERS = "/api/v1/users/{id}"
VICTIM = "schemathesis-s-victim"
# Only Razorpay can make the signatures that they ask for.
SIGNED = ("GET /api/v1/payments/links/callback", "POST /api/v1/payments/webhooks/razorpay")
# The gateway here has no key of Razorpay's: nothing is sold.
WITHOUT_RAZORPAY = ("POST /api/v1/payments/orders", "POST /api/v1/payments/links")
METHODS = ("get", "post", "put", "patch", "delete")


def write(file: Path, schema: dict[str, Any]) -> None:
    """A configuration in TOML. Only a list's own cursors are good ones, which no pattern describes."""
    lines = ["[checks.positive_data_acceptance]", f"expected-statuses = {EXPECTED}"]
    # A method that a path has not is refused before any route: one of them tells.
    lines += ["[phases.coverage]", "unexpected-methods = ['TRACE']"]
    # The status for a missing If-Match (RFC 6585).
    lines += ["[checks.missing_required_header]", "expected-statuses = ['400', '401', '428']"]
    # Who made a program is not enrolled in it: its own enrolment is not there.
    lines += ["[[operations]]", f"include-path = '{PLACE}'"]
    lines += ["[operations.checks.ensure_resource_availability]", "enabled = false"]
    for name in LAST_CALLS:
        lines += ["[[operations]]", f'include-name = "{name}"', "enabled = false"]
    for path, item in schema["paths"].items():
        for method in METHODS:
            name = f"{method.upper()} {path}"
            names = {one.get("name") for one in item.get(method, {}).get("parameters", ())}
            if method in item and path.startswith(USERS):
                lines += ["[[operations]]", f'include-name = "{name}"']
                lines += [f'parameters = {{ "path.id" = "{VICTIM}" }}']
            # Texts that show nothing, times in the past, ids of nobody: a body has rules that no schema says.
            # A window ends after it begins, and is not too long; a measure has some dimensions, and others have not.
            ruled = bool(names & {"cursor", "from"}) or "requestBody" in item.get(method, {}) or name in SIGNED
            if method in item and ruled:
                lines += [
                    "[[operations]]",
                    f'include-name = "{name}"',
                    "[operations.checks.positive_data_acceptance]",
                    f"expected-statuses = {[*EXPECTED, '400']}",
                ]
                if name in WITHOUT_RAZORPAY:
                    lines += [
                        "[operations.checks.not_a_server_error]",
                        "expected-statuses = ['2xx', '3xx', '4xx', '503']",
                    ]
    # There are some forty commands, each with its own body; random ones are tried all the same.
    lines += ["[[operations]]", f"include-path = '{COMMANDS}'"]
    lines += ["[operations.phases.coverage]", "enabled = false"]
    file.write_text("\n".join(lines) + "\n")
