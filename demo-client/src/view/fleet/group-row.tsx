// The head of a source's rows, with their totals; it opens and closes them.
import { formatRate } from 'qmp-gateway/protocol';
import type { Group } from '../../model/fleet/groups.js';
import { cursor } from '../../page/selection.js';

interface GroupRowProps {
  group: Group;
  index: number;
  top: number;
  isAt: boolean;
  onFold(source: string): void;
}

export function GroupRow({ group, index, top, isAt, onFold }: GroupRowProps) {
  const { source, rows, running, attention, ready, bytesPerSecond, isClosed } = group;
  return (
    <div
      role="row"
      class={`row group ${isAt ? 'at' : ''}`}
      data-index={index}
      data-group={source}
      aria-rowindex={index + 2}
      style={{ '--top': `${top}px` }}
      onFocusIn={() => (cursor.value = `group ${source}`)}
    >
      <div role="cell" class="group-cell">
        <button type="button" class="group-name" aria-expanded={!isClosed} onClick={() => onFold(source)}>
          <span aria-hidden="true" class="fold">
            ▸
          </span>
          {source}
        </button>
        <span class="muted small num">
          {rows} {rows === 1 ? 'job' : 'jobs'}
          {running > 0 && ` · ${running} running`}
          {ready > 0 && ` · ${ready} ready`}
        </span>
        {attention > 0 && <span class="mark mark-error small">{attention} need you</span>}
        <span class="grow" />
        {bytesPerSecond > 0 && <span class="num muted">{formatRate(bytesPerSecond, 'mirror')}</span>}
      </div>
    </div>
  );
}
