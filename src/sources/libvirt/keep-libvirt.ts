// Keeps one connection to libvirtd.
import { map, type Observable } from 'rxjs';
import { type ConnectionSignal, type Conversation, keepConnected } from '../keep-connected.js';
import { connectLibvirt, type LibvirtConnection, type LibvirtHandlers, LibvirtLost } from './connection.js';
import type { Libvirtd, LibvirtOptions } from './options.js';

/** Subscribing connects; unsubscribing closes the connection once nothing is unanswered on it. */
export function keepLibvirt(
  { path, uri }: Libvirtd,
  options: LibvirtOptions,
  handlers: LibvirtHandlers,
): Observable<ConnectionSignal<LibvirtConnection>> {
  const open$ = (): Observable<Conversation<LibvirtConnection>> =>
    connectLibvirt({ ...options, path, uri }, handlers).pipe(map((session) => ({ kind: 'up', session })));
  const toLost = (error: unknown): LibvirtLost =>
    error instanceof LibvirtLost ? error : new LibvirtLost('protocol', String(error));
  return keepConnected(open$, toLost, options);
}
