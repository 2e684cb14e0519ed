// What the page shows, as the hash of its address, and back. Pure.
import { type Listing, listingOf, parseListing, printListing } from '../fleet/listing.js';

export interface Feed {
  filter: string;
  /** Only what went wrong, ended, or waits for a person. */
  isImportantOnly: boolean;
  /** Cursor of the entry that is open. */
  open: string | undefined;
}

export type Route =
  | { page: 'fleet'; listing: Listing }
  | { page: 'job'; source: string; job: string; run: string | undefined; isJson: boolean }
  | { page: 'events'; feed: Feed }
  | { page: 'console' }
  | { page: 'missing'; hash: string };

export const EMPTY_FEED: Feed = { filter: '', isImportantOnly: false, open: undefined };
export const FLEET: Route = { page: 'fleet', listing: listingOf('active') };
export const EVENTS: Route = { page: 'events', feed: EMPTY_FEED };
export const CONSOLE: Route = { page: 'console' };

/** Never throws. */
export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#\/?/, '');
  const at = text.indexOf('?');
  const [path, query] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  const params = new URLSearchParams(query);
  const [page = '', ...rest] = path.split('/').map(decode);
  if (page === '') return { page: 'fleet', listing: parseListing(params) };
  if (page === 'events') return { page, feed: parseFeed(params) };
  if (page === 'console') return CONSOLE;
  const [source, job, run] = rest;
  return page === 'job' && source && job
    ? { page, source, job, run, isJson: params.has('json') }
    : { page: 'missing', hash };
}

const parseFeed = (params: URLSearchParams): Feed => ({
  filter: params.get('filter') ?? '',
  isImportantOnly: params.has('important'),
  open: params.get('open') ?? undefined,
});

export function printRoute(route: Route): string {
  switch (route.page) {
    case 'fleet':
      return address('', printListing(route.listing));
    case 'events':
      return address('events', printFeed(route.feed));
    case 'console':
      return '#/console';
    case 'job': {
      const { source, job, run, isJson } = route;
      const path = [source, job, ...(run === undefined ? [] : [run])].map(encode).join('/');
      return `#/job/${path}${isJson ? '?json' : ''}`;
    }
    case 'missing':
      return route.hash;
  }
}

function printFeed({ filter, isImportantOnly, open }: Feed): URLSearchParams {
  const params = new URLSearchParams();
  if (filter !== '') params.set('filter', filter);
  if (isImportantOnly) params.set('important', '');
  if (open !== undefined) params.set('open', open);
  return params;
}

const address = (page: string, params: URLSearchParams): string =>
  `#/${page}${params.size > 0 ? `?${params.toString().replaceAll('%3A', ':').replaceAll('%2C', ',')}` : ''}`;

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** encodeURIComponent throws on half of a surrogate pair. The run identifies the job all the same. */
const encode = (part: string): string => encodeURIComponent(part.replace(/\p{Cs}/gu, '\ufffd'));

export function jobHref(source: string, job: string, run: string): string {
  return printRoute({ page: 'job', source, job, run, isJson: false });
}

export const entryHref = (cursor: string): string =>
  printRoute({ page: 'events', feed: { ...EMPTY_FEED, open: cursor } });
