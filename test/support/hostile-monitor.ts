// A monitor that sends terminal control sequences, forged lines and half characters in every text it can.
import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Sets the title, clears the screen, forges a line; C1, DEL, an override of the reading direction, line separators, an invisible tag. */
export const HOSTILE =
  'x\u001b]0;owned\u0007\u001b[2J\r\nforged line\t\u009b31m\u007f\u202etxt\u2028forged too\u{e0041}\ud800';

const COMMANDS = ['query-jobs', 'query-block-jobs', 'job-cancel', 'block-job-cancel', 'job-pause'];

export interface Hostile {
  uri: string;
  say(event: string, data: object): void;
}

/** Just enough QMP for a source to be up, with one job of the worst name. */
export async function hostileMonitor(): Promise<Hostile> {
  const sockets = new Set<Socket>();
  const answer = (command: string): object => {
    switch (command) {
      case 'query-jobs':
        return {
          return: [
            {
              id: HOSTILE,
              type: HOSTILE,
              status: 'running',
              'current-progress': 1,
              'total-progress': 4,
              error: HOSTILE,
            },
          ],
        };
      case 'query-block-jobs':
        return { return: [] };
      case 'query-commands':
        return { return: COMMANDS.map((name) => ({ name })) };
      case 'qmp_capabilities':
        return { return: {} };
      default:
        return { error: { class: 'GenericError', desc: HOSTILE } };
    }
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const version = { qemu: { major: 7, minor: 2, micro: 22 }, package: HOSTILE };
    socket.write(`${JSON.stringify({ QMP: { version, capabilities: [] } })}\r\n`);
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines.filter((each) => each.trim() !== '')) {
        const { execute, id } = JSON.parse(line) as { execute: string; id?: unknown };
        socket.write(`${JSON.stringify({ ...answer(execute), id })}\r\n`);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    uri: `tcp:127.0.0.1:${(server.address() as { port: number }).port}`,
    say: (event, data) => {
      const timestamp = { seconds: 1_700_000_000, microseconds: 1 };
      for (const socket of sockets) socket.write(`${JSON.stringify({ event, data, timestamp })}\r\n`);
    },
  };
}
