// A service that must never miss an outcome: logs each once, across cut and frozen connections and restarts of the gateway, and
// says where outcomes may be missing. When the gateway refuses it for good it exits, so that a supervisor sees that.
import { createClient } from 'qmp-gateway/client';
import { events } from 'qmp-gateway/client/rx';

const client = createClient({ url: process.env.QMP_GATEWAY_URL ?? 'ws://127.0.0.1:7070/v1' });
const onGap = ({ reason, after }) => console.log('gap', reason, 'after', after);
events(client, { types: ['GATEWAY_JOB_SETTLED'] }, { onGap }).subscribe({
  next: ({ source, job, data }) => console.log('settled', source, job?.id, job?.run, data.outcome, data.provenance),
  error: (error) => {
    console.error(error.message);
    process.exit(1);
  },
});
