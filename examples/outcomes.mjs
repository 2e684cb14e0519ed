// A service that logs each outcome once, across lost and frozen connections, restarts of the gateway and its own, and logs where outcomes
// may be missing. When the gateway refuses it for good it exits, so that a supervisor can act. QMP_GATEWAY_WS_URL: another gateway;
// QMP_GATEWAY_TOKEN: its token, where it asks for one; CURSOR_FILE: where the position is kept.
import { createClient } from 'qmp-gateway/client';
import { fileStore } from 'qmp-gateway/client/file-store';
import { events } from 'qmp-gateway/client/rx';

const { QMP_GATEWAY_WS_URL: url = 'ws://127.0.0.1:7070/v1', QMP_GATEWAY_TOKEN: token } = process.env;
const client = createClient({ url, ...(token && { token }) });
client.onState(({ phase, reason }) => {
  if (phase === 'waiting') console.error(`${url}: ${reason.detail || reason.cause}; trying again`);
});
const store = fileStore(process.env.CURSOR_FILE ?? 'outcomes.cursor');
const onGap = ({ reason, after }) => console.log('gap', reason, 'after', after);
events(client, { types: ['GATEWAY_JOB_SETTLED'] }, { store, onGap }).subscribe({
  next: ({ source, job, data }) => console.log('settled', source, job?.id, job?.run, data.outcome, data.provenance),
  error: (error) => {
    console.error(error.message);
    process.exit(1);
  },
});
