// What can be copied of a run, and the run as JSON.
import type { Job, SettledRun } from 'qmp-gateway/protocol';
import { cliAbort, cliShow, curlOf } from '../../model/page/commands.js';
import { jobHref } from '../../model/page/route.js';
import { useActions } from '../../page/actions.js';
import { go, route } from '../../page/location.js';
import { thisGate } from '../../page/token.js';
import { Copy } from '../parts/copy.js';
import { JsonDialog } from '../parts/json-dialog.js';
import { Menu } from '../parts/menu.js';

interface JobCopiesProps {
  source: string;
  id: string;
  run: string;
  job: Job | undefined;
  ended: SettledRun | undefined;
}

export function JobCopies({ source, id, run, job, ended }: JobCopiesProps) {
  const target = { source, job: id, run };
  const gate = thisGate();
  const began = job?.began ?? ended?.settled.began;
  const isJson = route.value.page === 'job' && route.value.isJson;
  const json = (): void => go({ page: 'job', ...target, isJson: !isJson });
  useActions({ json });
  // A dialog says late that it was closed: the user may be on another page by then.
  const closed = (): void => {
    const at = route.peek();
    if (at.page === 'job' && at.source === source && at.job === id && (at.run ?? run) === run)
      go({ page: 'job', ...target, isJson: false }, 'replace');
  };
  return (
    <div class="copies">
      <span class="muted small mono">run {run}</span>
      <Copy text={run} what="run">
        Copy
      </Copy>
      <button type="button" class="copy" onClick={json}>
        JSON
      </button>
      <Menu label="Copy as…">
        <div class="copy-list">
          <Copy text={new URL(jobHref(source, id, run), location.href).href} what="link" />
          {began !== undefined && (
            <Copy text={began} what="cursor of its begin">
              Copy the cursor of its begin
            </Copy>
          )}
          {ended && (
            <Copy text={ended.cursor} what="cursor of its end">
              Copy the cursor of its end
            </Copy>
          )}
          <Copy text={curlOf(gate, 'job.get', target)} what="curl">
            Copy as curl
          </Copy>
          <Copy text={cliShow(gate, target)} what="command line">
            Copy as qmp-gateway show
          </Copy>
          {!ended && (
            <Copy text={cliAbort(gate, target)} what="abort on the command line">
              Copy as qmp-gateway abort
            </Copy>
          )}
        </div>
      </Menu>
      {isJson && <JsonDialog title={`${id} on ${source}`} value={job ?? ended} onClose={closed} />}
    </div>
  );
}
