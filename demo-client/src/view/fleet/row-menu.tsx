// What can be done with one run, without leaving the list: a menu beside its row, by click or by key.

import { useLayoutEffect } from 'preact/hooks';
import type { JobTable } from 'qmp-gateway/client';
import { type JobVerb, offeredVerbs, VERB_LABELS } from 'qmp-gateway/protocol';
import { type Gateway, scopesOf } from '../../gateway/gateway.js';
import { sendVerb } from '../../gateway/send.js';
import type { Row } from '../../model/fleet/rows.js';
import { jobHref, parseRoute } from '../../model/page/route.js';
import { ABORT_FORM } from '../../model/run/abort.js';
import { effectOf, type Intent, verbLabel } from '../../model/run/intent.js';
import { act } from '../../page/acting.js';
import { copy } from '../../page/clipboard.js';
import { go } from '../../page/location.js';
import { say } from '../../page/said.js';
import { useModal } from '../parts/modal.js';

interface RowMenuProps {
  gateway: Gateway;
  table: JobTable;
  row: Row;
  onClose(): void;
}

/** Sent at once; the others ask first. */
const isQuick = (verb: JobVerb): verb is 'pause' | 'resume' => verb === 'pause' || verb === 'resume';

export function RowMenu({ gateway, table, row, onClose }: RowMenuProps) {
  const dialog = useModal();
  const job = table.jobs.get(row.run);
  const source = job && table.sources.get(job.source);
  const href = jobHref(row.source, row.job, row.run);
  useLayoutEffect(() => place(dialog.current, row.run), []);

  /** The reason against it, as far as the verb's settings do not matter. */
  function objection(verb: JobVerb): string | undefined {
    const intent: Intent =
      verb === 'abort'
        ? { verb, form: { ...ABORT_FORM, force: true } }
        : verb === 'setSpeed'
          ? { verb, speed: '0' }
          : { verb };
    const effect = effectOf(intent, job, { source, scopes: scopesOf(gateway) });
    return effect.ok || verb === 'abort' ? undefined : effect.why;
  }
  function choose(verb: JobVerb): void {
    dialog.current?.close();
    if (!isQuick(verb)) return act(verb, [row]);
    say(`${VERB_LABELS[verb]} ${row.job}: asking…`);
    void sendVerb(gateway, { verb }, row).then(({ text }) => say(`${row.job}: ${text}`));
  }
  return (
    <dialog
      ref={dialog}
      class="row-menu"
      aria-label={`Actions for ${row.job} of ${row.source}`}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
      onKeyDown={(event) => walk(event, dialog.current)}
    >
      <p class="small muted row-menu-title">
        {row.job} <span>on {row.source}</span>
      </p>
      {job &&
        offeredVerbs(job, source).map((verb) => (
          <button
            key={verb}
            type="button"
            data-verb={verb}
            class={verb === 'abort' ? 'danger' : ''}
            disabled={objection(verb) !== undefined}
            title={objection(verb)}
            onClick={() => choose(verb)}
          >
            {verbLabel(verb)}
          </button>
        ))}
      <button type="button" onClick={() => go(parseRoute(href))}>
        Open
      </button>
      <button
        type="button"
        onClick={() => {
          dialog.current?.close();
          void copy(new URL(href, location.href).href, 'link');
        }}
      >
        Copy link
      </button>
    </dialog>
  );
}

/** Below the row's button, or above it where there is no room. */
function place(menu: HTMLElement | null, run: string): void {
  const button = document.querySelector(`[data-run="${CSS.escape(run)}"] .cell-menu`);
  if (!menu || !button) return;
  const { right, bottom, top } = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = bottom + height + 8 <= innerHeight;
  menu.style.left = `${Math.max(8, Math.min(right, innerWidth - 8) - width)}px`;
  menu.style.top = `${below ? bottom : Math.max(8, top - height)}px`;
}

function walk(event: KeyboardEvent, menu: HTMLElement | null): void {
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (step === undefined || !menu) return;
  event.preventDefault();
  const buttons = [...menu.querySelectorAll<HTMLElement>('button:enabled')];
  const at = buttons.indexOf(document.activeElement as HTMLElement);
  buttons[(at + step + buttons.length) % buttons.length]?.focus();
}
