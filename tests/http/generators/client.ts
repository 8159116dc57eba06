// Uses the generated types against a running gateway, and says what it got.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

declare const process: { argv: string[] };

const [baseUrl, token, room] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

const me = await client.GET("/api/v1/auth/me");
const made = await client.POST("/api/v1/programs", {
  params: { header: { "Idempotency-Key": "generated" } },
  body: { title: "Generated", price: 0 },
});
const id = made.data?.id ?? "";
const read = await client.GET("/api/v1/programs/{id}", { params: { path: { id } } });
const refused = await client.PATCH("/api/v1/programs/{id}", {
  params: { path: { id }, header: { "If-Match": '"7"' } },
  body: { title: "Changed" },
});
const said = await client.POST("/api/v1/rooms/{room}/commands", {
  params: { path: { room } },
  body: { cmd: "chat.send", data: { text: "Hello" } },
});

console.log(
  JSON.stringify({
    role: me.data?.role,
    title: read.data?.title,
    capacity: read.data?.capacity,
    refused: refused.error?.code,
    said: said.response.status,
  }),
);
