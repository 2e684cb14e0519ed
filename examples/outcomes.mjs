// A service that must never miss an outcome: logs each once, across cut and frozen connections, and says when continuity is lost.
import { createClient } from 'qmp-gateway/client';
import { events } from 'qmp-gateway/client/rx';

const client = createClient({ url: process.env.QMP_GATEWAY_URL ?? 'ws://127.0.0.1:7070/v1' });
const onGap = ({ reason }) => console.log('gap', reason);
events(client, { types: ['GATEWAY_JOB_SETTLED'] }, { onGap }).subscribe(({ source, job, data }) =>
  console.log('settled', source, job?.id, job?.run, data.outcome, data.provenance),
);
