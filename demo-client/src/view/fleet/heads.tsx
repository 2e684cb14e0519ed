// The heads of the columns, which sort; and the box that chooses all.
import { COLUMNS, type ColumnKey } from '../../model/fleet/columns.js';
import type { Row } from '../../model/fleet/rows.js';
import { chooseAll, countIn, releaseAll } from '../../model/fleet/selection.js';
import { zoneName } from '../../model/page/clock.js';
import { changeListing, listing } from '../../page/location.js';
import { selection } from '../../page/selection.js';
import { zone } from '../../page/zone.js';

export function Heads({ columns, rows }: { columns: readonly ColumnKey[]; rows: readonly Row[] }) {
  const { sort, tab } = listing();
  const { by, down } = sort;
  return (
    <div role="rowgroup" class="heads">
      <div role="row" class="grid" aria-rowindex={1}>
        <div role="columnheader" class="cell-box">
          <ChooseAll rows={rows} />
        </div>
        {columns.map((key) => (
          <div
            key={key}
            role="columnheader"
            class={COLUMNS[key].isNumeric ? `cell-${key} right` : `cell-${key}`}
            aria-sort={by !== key ? 'none' : down ? 'descending' : 'ascending'}
          >
            <button
              type="button"
              class="head"
              onClick={() => changeListing({ sort: { by: key, down: by === key && !down } })}
            >
              {(tab === 'ended' && COLUMNS[key].ended) || COLUMNS[key].label}
              {(key === 'started' || key === 'ended') && <span class="zone"> {zoneName(Date.now(), zone.value)}</span>}
              <span aria-hidden="true" class="arrow">
                {by === key ? (down ? '↓' : '↑') : ''}
              </span>
            </button>
          </div>
        ))}
        <div role="columnheader" class="cell-menu">
          <span class="hidden">Actions</span>
        </div>
      </div>
    </div>
  );
}

function ChooseAll({ rows }: { rows: readonly Row[] }) {
  const count = countIn(selection.value, rows);
  const isAll = count > 0 && count === rows.length;
  const change = isAll ? releaseAll : chooseAll;
  return (
    <input
      type="checkbox"
      aria-label={`Choose all ${rows.length} that match`}
      checked={isAll}
      indeterminate={count > 0 && !isAll}
      onChange={() =>
        (selection.value = change(
          selection.value,
          rows.map(({ run }) => run),
        ))
      }
    />
  );
}
