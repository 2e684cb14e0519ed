// The location's hash as a route, and back. Pure.

export type Route =
  | { page: 'fleet' }
  | { page: 'job'; source: string; job: string; run: string | undefined }
  | { page: 'events' }
  | { page: 'console' }
  | { page: 'missing'; hash: string };

export function parseRoute(hash: string): Route {
  const [page = '', ...rest] = hash.replace(/^#\/?/, '').split('/').map(decode);
  if (page === '') return { page: 'fleet' };
  if (page === 'events' || page === 'console') return { page };
  const [source, job, run] = rest;
  return page === 'job' && source && job ? { page, source, job, run } : { page: 'missing', hash };
}

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
  return `#/job/${[source, job, run].map(encode).join('/')}`;
}
