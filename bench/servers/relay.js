// The limit of an abort through a server on Node: the request is parsed, a cancel is written to the monitor, and the event that the job is gone is the
// answer. No job model, no log, no check.  relay.js PATH
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { WebSocketServer } from 'ws';
import { ready } from './feed.js';

const waiting = new Map();
const monitor = connect(process.argv[2]);
monitor.write('{"execute":"qmp_capabilities"}\r\n');
createInterface({ input: monitor }).on('line', (line) => {
  const { event, data } = JSON.parse(line);
  if (event !== 'JOB_STATUS_CHANGE' || data.status !== 'null') return;
  waiting.get(data.id)?.();
  waiting.delete(data.id);
});
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false }, () =>
  ready(server.address().port),
);
server.on('connection', (client) =>
  client.on('message', (text) => {
    const { id, params } = JSON.parse(String(text));
    waiting.set(params.job, () => client.send(JSON.stringify({ jsonrpc: '2.0', id, result: { status: 'settled' } })));
    monitor.write(`{"execute":"block-job-cancel","arguments":{"device":"${params.job}"}}\r\n`);
  }),
);
