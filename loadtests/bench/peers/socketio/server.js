// The Socket.IO peer: one room, a message goes to everyone in it, the sender gets an acknowledgement.
// It checks no token and stores nothing. Usage: node server.js <port>

import { createServer } from "node:http";
import { Server } from "socket.io";

const ROOM = "session";

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  allowUpgrades: false,
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});

io.on("connection", (socket) => {
  socket.on("join", (acknowledge) => {
    socket.join(ROOM);
    acknowledge();
  });
  socket.on("chat", (text, acknowledge) => {
    io.to(ROOM).emit("chat", text);
    acknowledge();
  });
});

// The handshake's request is of no use afterwards; the documentation advises to let it go for memory's sake.
io.engine.on("connection", (raw) => {
  raw.request = null;
});

http.listen(Number(process.argv[2]), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
