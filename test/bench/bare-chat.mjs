// What chat is compared with: a server of lines that does nothing but hand each to everybody. The first line of a client is
// its name, and is answered OK. Prints its port when it listens.
import { createServer } from 'node:net';

const newline = 10;
const everybody = new Set();

const server = createServer({ noDelay: true }, (socket) => {
  let rest = Buffer.alloc(0);
  let named = false;
  socket.on('data', (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    if (!named && bytes.includes(newline)) {
      from = bytes.indexOf(newline) + 1;
      named = true;
      everybody.add(socket);
      socket.write('OK\n');
    }
    const end = bytes.lastIndexOf(newline) + 1;
    if (named && end > from) for (const each of everybody) each.write(bytes.subarray(from, end));
    rest = bytes.subarray(Math.max(from, end));
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => everybody.delete(socket));
});

server.listen(0, '127.0.0.1', 2048, () => {
  const { port } = server.address();
  process.stdout.write(`${JSON.stringify({ message: 'app_ready', port, chat_port: port })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
