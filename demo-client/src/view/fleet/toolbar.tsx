// Above the table of jobs: tabs, filter, groups, columns; and what is chosen.
import type { JobTable } from 'qmp-gateway/client';
import { COLUMN_KEYS, COLUMNS, TAB_COLUMNS, type Tab, toggleColumn } from '../../model/fleet/columns.js';
import { UNFOLDED, withTab } from '../../model/fleet/listing.js';
import type { Row } from '../../model/fleet/rows.js';
import { useActions } from '../../page/actions.js';
import { changeListing, listing } from '../../page/location.js';
import { Menu } from '../parts/menu.js';
import { Chosen } from './chosen.js';

const TABS: readonly { tab: Tab; label: string }[] = [
  { tab: 'active', label: 'Active' },
  { tab: 'ended', label: 'Ended' },
  { tab: 'all', label: 'All' },
];

export const openTab = (tab: Tab): void => changeListing(withTab(listing(), tab));

interface ToolbarProps {
  table: JobTable;
  rows: readonly Row[];
  total: number;
}

export function Toolbar({ table, rows, total }: ToolbarProps) {
  const { tab, filter, folding } = listing();
  const fold = (): void => changeListing({ folding: { allClosed: !(folding ?? UNFOLDED).allClosed, but: [] } });
  const group = (): void => changeListing({ folding: folding ? undefined : UNFOLDED });
  useActions({ group, fold });
  return (
    <>
      <div class="toolbar">
        <h2 id="jobs-title">Jobs</h2>
        <div class="segments" role="group" aria-label="Which jobs">
          {TABS.map((each) => (
            <button key={each.tab} type="button" aria-pressed={tab === each.tab} onClick={() => openTab(each.tab)}>
              {each.label}
            </button>
          ))}
        </div>
        <output class="muted num count" data-testid="count">
          {rows.length === total
            ? rows.length.toLocaleString('en')
            : `${rows.length.toLocaleString('en')} of ${total.toLocaleString('en')}`}
        </output>
        <input
          type="search"
          id="filter"
          aria-label="Filter jobs"
          placeholder="Filter: name, is:ready, type:mirror, source:…  ( / )"
          value={filter}
          onInput={(event) => changeListing({ filter: event.currentTarget.value }, 'replace')}
        />
        <span class="tools">
          <button type="button" aria-pressed={folding !== undefined} onClick={group}>
            Group
          </button>
          {folding && (
            <button type="button" onClick={fold}>
              {folding.allClosed ? 'Open all' : 'Close all'}
            </button>
          )}
          <ColumnsMenu />
        </span>
      </div>
      <Chosen rows={rows} table={table} />
    </>
  );
}

function ColumnsMenu() {
  const { tab, columns } = listing();
  const shown = columns ?? TAB_COLUMNS[tab];
  return (
    <Menu label="Columns">
      <fieldset class="columns">
        <legend class="hidden">Columns</legend>
        {COLUMN_KEYS.map((key) => (
          <label key={key} class="check">
            <input
              type="checkbox"
              checked={shown.includes(key)}
              disabled={key === 'job'}
              onChange={() => changeListing({ columns: toggleColumn(shown, key) })}
            />
            {(tab === 'ended' && COLUMNS[key].ended) || COLUMNS[key].label}
          </label>
        ))}
      </fieldset>
      <p class="small muted">
        {columns
          ? 'All that you have chosen are shown; a narrow window scrolls sideways.'
          : 'In a narrow window some of them are left out.'}
      </p>
      <button type="button" disabled={!columns} onClick={() => changeListing({ columns: undefined })}>
        As usual
      </button>
    </Menu>
  );
}
