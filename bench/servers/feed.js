// What every peer has in front: the same feed as the gateway's monitor, cut into lines, and nothing else done to them.
import { connect } from 'node:net';

/** Calls `take` with the events of each chunk, as text without its line ends. Tries again until somebody listens. */
export function followFeed(path, take) {
  const socket = connect(path);
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    const lines = (rest + chunk).split('\r\n');
    rest = lines.pop();
    const events = lines.filter((line) => !line.startsWith('{"QMP"'));
    if (events.length > 0) take(events);
  });
  socket.on('error', () => setTimeout(() => followFeed(path, take), 20));
}

export function ready(port) {
  process.stdout.write(`${JSON.stringify({ port })}\n`);
}
