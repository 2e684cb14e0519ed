// The jobs that stand still until a person decides: why each does, and the verbs that would help.
import type { JobTable } from 'qmp-gateway/client';
import { offeredVerbs } from 'qmp-gateway/protocol';
import { attentionOf } from '../../model/fleet/attention.js';
import { withTab } from '../../model/fleet/listing.js';
import { helpFor, needsOf } from '../../model/fleet/needs.js';
import { jobHref } from '../../model/page/route.js';
import { verbLabel } from '../../model/run/intent.js';
import { act } from '../../page/acting.js';
import { changeListing, listing } from '../../page/location.js';
import { notifies, switchNotify } from '../../page/notify.js';
import { useModal } from '../parts/modal.js';
import { Mark } from './job-row.js';

/** The rest is in the list, with the filter. */
const SHOWN = 100;

export function NeedYou({ table, onClose }: { table: JobTable; onClose(): void }) {
  const dialog = useModal();
  const jobs = needsOf(table.jobs.values());
  const close = (): void => dialog.current?.close();
  return (
    <dialog ref={dialog} class="batch" aria-labelledby="need-title" onClose={onClose} data-testid="need-you">
      <h2 id="need-title">
        {jobs.length === 0
          ? 'No job needs you'
          : `${jobs.length.toLocaleString('en')} ${jobs.length === 1 ? 'job needs' : 'jobs need'} you`}
      </h2>
      <div class="batch-form">
        {jobs.length > 0 && (
          <div class="batch-lists need-list" tabIndex={0} role="group" aria-label="Jobs that need you">
            <ul class="batch-list">
              {jobs.slice(0, SHOWN).map((job) => {
                const attention = attentionOf(job);
                const offered = offeredVerbs(job, table.sources.get(job.source));
                return (
                  <li key={job.run} data-job={job.job}>
                    <span class="batch-name">
                      <a href={jobHref(job.source, job.job, job.run)}>{job.job}</a>{' '}
                      <span class="muted small">{job.source}</span>
                    </span>
                    {attention && <Mark {...attention} />}
                    <span class="need-help">
                      <span class="small grow">{attention?.advice}</span>
                      {helpFor(job)
                        .filter((verb) => offered.includes(verb))
                        .map((verb) => (
                          <button
                            key={verb}
                            type="button"
                            class={verb === 'abort' ? 'danger' : ''}
                            onClick={() => {
                              close();
                              act(verb, [job]);
                            }}
                          >
                            {verbLabel(verb)}
                          </button>
                        ))}
                    </span>
                  </li>
                );
              })}
            </ul>
            {jobs.length > SHOWN && (
              <p class="muted small">and {(jobs.length - SHOWN).toLocaleString('en')} more in the list</p>
            )}
          </div>
        )}
        <div class="dialog-buttons">
          <button type="button" aria-pressed={notifies.value} onClick={() => void switchNotify()}>
            {notifies.value ? 'Notifications are on' : 'Notify me'}
          </button>
          <button
            type="button"
            onClick={() => {
              close();
              changeListing({ ...withTab(listing(), 'active'), filter: 'is:needs-you' });
            }}
          >
            Show in the list
          </button>
          <button type="button" class="primary" onClick={close}>
            Close
          </button>
        </div>
      </div>
    </dialog>
  );
}
