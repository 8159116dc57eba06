"""Uses the generated Python client against a running gateway, and says what it got: `use_client.py URL TOKEN ROOM`."""

# mypy: ignore-errors
# ruff: noqa

import json
import sys

from ksmp_api import AuthenticatedClient
from ksmp_api.api.accounts import accounts_me
from ksmp_api.api.programs import programs_change, programs_create, programs_read
from ksmp_api.api.realtime import realtime_commands
from ksmp_api.models import ChatSendCommand, ChatSendCommandData, NewProgram, ProgramChange

url, token, room = sys.argv[1:]
with AuthenticatedClient(base_url=url, token=token) as client:
    me = accounts_me.sync(client=client)
    body = NewProgram(title="Generated", price=0)
    made = programs_create.sync(client=client, body=body, idempotency_key="generated")
    read = programs_read.sync(made.id, client=client)
    changed = ProgramChange(title="Changed")
    refused = programs_change.sync(made.id, client=client, body=changed, if_match='"7"')
    command = ChatSendCommand(cmd="chat.send", data=ChatSendCommandData(text="Hello"))
    said = realtime_commands.sync_detailed(room, client=client, body=command)
print(
    json.dumps(
        {
            "role": me.role,
            "title": read.title,
            "capacity": read.capacity,
            "refused": refused.code,
            "said": said.status_code,
        }
    )
)
