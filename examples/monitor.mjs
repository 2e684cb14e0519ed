// Follows the jobs of one QEMU, without a gateway and across restarts of that QEMU: node examples/monitor.mjs /run/vm1.qmp
import { ofType, supervise } from 'qmp-gateway/qmp';
import { EMPTY, from, map, merge, of, switchMap } from 'rxjs';

const [path = '/run/vm1.qmp'] = process.argv.slice(2);

supervise({ kind: 'unix', path })
  .pipe(
    switchMap((signal) => {
      if (signal.kind === 'up') return follow(signal.session);
      return 'reason' in signal ? of(`${signal.kind}: ${signal.reason}`) : EMPTY;
    }),
  )
  .subscribe((line) => console.log(line));

function follow(session) {
  const end$ = session.events$.pipe(
    ofType('BLOCK_JOB_COMPLETED', 'BLOCK_JOB_CANCELLED'),
    map(({ type, data }) => `${type} ${data.device}: ${data.offset} of ${data.len}`),
  );
  const jobs$ = from(session.execute('query-block-jobs', {})).pipe(
    map((reply) => (reply.kind === 'return' ? `up: ${reply.value.length} jobs` : `up: ${reply.kind}`)),
  );
  return merge(end$, jobs$);
}
