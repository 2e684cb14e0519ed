// How many runs are chosen, also those that the tab or the filter hides; and what can be done with all of them.

import { useMemo, useRef } from 'preact/hooks';
import type { JobTable } from 'qmp-gateway/client';
import { VERB_LABELS } from 'qmp-gateway/protocol';
import { targetsOf, verbCounts } from '../../model/fleet/batch.js';
import type { Row } from '../../model/fleet/rows.js';
import { countIn, NOTHING } from '../../model/fleet/selection.js';
import { act } from '../../page/acting.js';
import { useActions } from '../../page/actions.js';
import { selection } from '../../page/selection.js';
import { Copy } from '../parts/copy.js';

export function Chosen({ rows, table }: { rows: readonly Row[]; table: JobTable }) {
  return selection.value.runs.size === 0 ? null : <Bar rows={rows} table={table} />;
}

function Bar({ rows, table }: { rows: readonly Row[]; table: JobTable }) {
  const { runs } = selection.value;
  const buttons = useRef<HTMLDivElement>(null);
  const inSight = countIn(selection.value, rows);
  const counts = useMemo(() => verbCounts(runs, table), [runs, table]);
  useActions({ act: () => buttons.current?.querySelector('button')?.focus() });
  return (
    <div class="chosen" data-testid="chosen">
      <span role="status">
        <strong class="num">{runs.size.toLocaleString('en')} chosen</strong>
        {inSight < runs.size && (
          <span class="muted small"> {(runs.size - inSight).toLocaleString('en')} of them not in this list</span>
        )}
      </span>
      <div class="chosen-verbs" role="group" aria-label="Actions for all that are chosen" ref={buttons}>
        {counts.map(([verb, count]) => (
          <button
            key={verb}
            type="button"
            data-verb={verb}
            class={verb === 'abort' ? 'danger' : ''}
            onClick={() => act(verb, targetsOf(runs, table))}
          >
            {VERB_LABELS[verb]} <span class="num muted">{count.toLocaleString('en')}</span>
          </button>
        ))}
      </div>
      <Copy text={[...runs].join('\n')} what="runs" />
      <button type="button" class="quiet" onClick={() => (selection.value = NOTHING)}>
        None <kbd>Esc</kbd>
      </button>
    </div>
  );
}
