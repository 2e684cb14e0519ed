// The dashboard's files, where the package was built with it; else no page is found.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sirv from 'sirv';

export function openPages(): ReturnType<typeof sirv> {
  const folder = fileURLToPath(new URL('./demo-client', import.meta.url));
  return existsSync(folder) ? sirv(folder, { etag: true }) : (_request, _response, miss) => miss?.();
}
