// The palette: commands, jobs and sources by name. Arrows choose, Enter does it.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { JobTable } from 'qmp-gateway/client';
import { BINDINGS } from '../../model/page/keys.js';
import { type Found, findAll } from '../../model/page/palette.js';
import { offeredActions, runAction } from '../../page/actions.js';
import { changeListing, go } from '../../page/location.js';
import { useModal } from '../parts/modal.js';
import { Keys } from './key-caps.js';

interface PaletteProps {
  table: JobTable | undefined;
  onClose(): void;
}

export function Palette({ table, onClose }: PaletteProps) {
  const dialog = useModal();
  const list = useRef<HTMLDivElement>(null);
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const [offered] = useState(offeredActions);
  // What is chosen stays under the eye, and Enter does it, while jobs begin and end.
  const found = useMemo(() => findAll(text, offered, table), [text, offered, table !== undefined]);
  const at = Math.min(chosen, found.length - 1);
  useEffect(() => list.current?.children[at]?.scrollIntoView({ block: 'nearest' }), [at]);

  function take(what: Found | undefined): void {
    if (!what) return;
    // The focus is back where it was before the action moves it.
    dialog.current?.close();
    if (what.kind === 'action') runAction(what.id);
    else if (what.kind === 'source') changeListing({ filter: `source:${what.source}` });
    else go({ page: 'job', source: what.source, job: what.job, run: what.run, isJson: false });
  }
  function press(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setChosen((at + step + found.length) % Math.max(1, found.length));
    else if (event.key === 'Enter') take(found[at]);
    else return;
    event.preventDefault();
  }
  return (
    <dialog ref={dialog} class="palette" aria-label="Commands" onClose={onClose}>
      <input
        type="text"
        role="combobox"
        aria-label="Command, job or source"
        aria-expanded={found.length > 0}
        aria-controls="palette-list"
        aria-activedescendant={found.length > 0 ? `found-${at}` : undefined}
        placeholder="Command, job or source"
        autocomplete="off"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={press}
      />
      <div id="palette-list" role="listbox" aria-label="What matches" ref={list}>
        {found.map((what, n) => (
          <div
            key={what.kind === 'action' ? what.id : what.kind === 'job' ? what.run : what.source}
            id={`found-${n}`}
            role="option"
            aria-selected={n === at}
            onPointerMove={() => setChosen(n)}
            onPointerUp={() => take(what)}
          >
            <span class="found-label">{what.label}</span>
            <span class="muted small">{what.hint}</span>
            {what.kind === 'action' && <Keys keys={BINDINGS[what.id].keys.slice(0, 1)} />}
          </div>
        ))}
      </div>
      {found.length === 0 && <p class="muted pad">Nothing has this name.</p>}
    </dialog>
  );
}
