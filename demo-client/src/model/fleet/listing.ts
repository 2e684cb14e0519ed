// What the table of jobs shows, as it stands in the address: tab, filter, sort, columns, groups. Pure.
import { COLUMN_KEYS, type ColumnKey, TAB_COLUMNS, type Tab } from './columns.js';

export interface Sort {
  by: ColumnKey;
  down: boolean;
}

/** Groups by source; which of them are closed. */
export interface Folding {
  /** `true`: all are closed, except `but`; `false`: all are open, except `but`. */
  allClosed: boolean;
  but: readonly string[];
}

export interface Listing {
  tab: Tab;
  filter: string;
  sort: Sort;
  /** `undefined`: those of the tab. */
  columns: readonly ColumnKey[] | undefined;
  /** `undefined`: not grouped. */
  folding: Folding | undefined;
}

/** Runs that have ended are sorted newest first. */
export const TAB_SORT: Readonly<Record<Tab, Sort>> = {
  active: { by: 'attention', down: false },
  ended: { by: 'ended', down: true },
  all: { by: 'attention', down: false },
};

export const UNFOLDED: Folding = { allClosed: false, but: [] };

export function listingOf(tab: Tab): Listing {
  return { tab, filter: '', sort: TAB_SORT[tab], columns: undefined, folding: undefined };
}

/** Of another tab: its own sort and columns, and the same filter and groups. */
export const withTab = (listing: Listing, tab: Tab): Listing => ({
  ...listingOf(tab),
  filter: listing.filter,
  folding: listing.folding,
});

const isColumn = (text: string): text is ColumnKey => (COLUMN_KEYS as readonly string[]).includes(text);

/** Never throws: what it does not understand is as if it were missing. */
export function parseListing(params: URLSearchParams): Listing {
  const named = params.get('tab') ?? '';
  const tab = Object.hasOwn(TAB_COLUMNS, named) ? (named as Tab) : 'active';
  const [, minus, by = ''] = /^(-?)(.*)$/.exec(params.get('sort') ?? '') ?? [];
  const columns = params.get('columns')?.split(',').filter(isColumn);
  return {
    tab,
    filter: params.get('filter') ?? '',
    sort: isColumn(by) ? { by, down: minus === '-' } : TAB_SORT[tab],
    columns: columns?.includes('job') ? COLUMN_KEYS.filter((key) => columns.includes(key)) : undefined,
    folding: params.get('group') === 'source' ? parseFolding(params) : undefined,
  };
}

function parseFolding(params: URLSearchParams): Folding {
  const allClosed = params.has('open');
  return { allClosed, but: params.getAll(allClosed ? 'open' : 'closed').filter(Boolean) };
}

/** Without what is so by default. */
export function printListing({ tab, filter, sort, columns, folding }: Listing): URLSearchParams {
  const params = new URLSearchParams();
  if (tab !== 'active') params.set('tab', tab);
  if (filter !== '') params.set('filter', filter);
  const usual = TAB_SORT[tab];
  if (sort.by !== usual.by || sort.down !== usual.down) params.set('sort', `${sort.down ? '-' : ''}${sort.by}`);
  if (columns) params.set('columns', columns.join(','));
  if (!folding) return params;
  params.set('group', 'source');
  for (const source of folding.but) params.append(folding.allClosed ? 'open' : 'closed', source);
  if (folding.allClosed && folding.but.length === 0) params.set('open', '');
  return params;
}

export const isClosed = ({ allClosed, but }: Folding, source: string): boolean => allClosed !== but.includes(source);

export function toggleGroup({ allClosed, but }: Folding, source: string): Folding {
  return { allClosed, but: but.includes(source) ? but.filter((each) => each !== source) : [...but, source] };
}
