// One event as JSON, with its cursor, a link, and the commands that read on from there.
import { useEffect, useRef, useState } from 'preact/hooks';
import { cursorBefore, type Entry } from 'qmp-gateway/protocol';
import type { Gateway } from '../../gateway/gateway.js';
import { readEntry } from '../../gateway/one-entry.js';
import { cliEvents } from '../../model/page/commands.js';
import { entryHref } from '../../model/page/route.js';
import { changeFeed } from '../../page/location.js';
import { thisGate } from '../../page/token.js';
import { Copy } from '../parts/copy.js';
import { JsonDialog } from '../parts/json-dialog.js';

export function OpenEntry({ gateway, cursor }: { gateway: Gateway; cursor: string }) {
  const [read, setRead] = useState<Entry | string>();
  // It may leave the feed while it is read here.
  const shown = useRef<Entry | string | undefined>(undefined);
  const item = gateway.feed.value.find(({ key }) => key === cursor);
  const known = item?.kind === 'entry' ? item.entry : undefined;
  const isOpen = gateway.state.value.phase === 'open';
  const isMissing = !known && typeof shown.current !== 'object' && isOpen && gateway.table.value !== undefined;
  useEffect(() => (isMissing ? readEntry(gateway.client, cursor, setRead) : undefined), [gateway, cursor, isMissing]);
  const entry = typeof shown.current === 'object' ? shown.current : (known ?? read);
  shown.current = entry;
  if (entry === undefined) return null;
  const title = typeof entry === 'string' ? 'Event' : entry.type;
  return (
    <JsonDialog key={typeof entry} title={title} value={entry} onClose={() => changeFeed({ open: undefined })}>
      <Copy text={cursor} what="cursor" />
      <Copy text={new URL(entryHref(cursor), location.href).href} what="link" />
      <Copy text={cliEvents(thisGate(), cursorBefore(cursor))} what="command line" />
    </JsonDialog>
  );
}
