// All keys of the page, from the table that the handler reads.
import { ACTION_IDS, BINDINGS } from '../../model/page/keys.js';
import { useModal } from '../parts/modal.js';
import { Keys } from './key-caps.js';

const ROOMS = [...new Set(ACTION_IDS.map((id) => BINDINGS[id].room))];

export function Help({ onClose }: { onClose(): void }) {
  const dialog = useModal();
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={onClose}>
      <h2 id="help-title">Keys</h2>
      <div class="help-rooms">
        {ROOMS.map((room) => (
          <section key={room} aria-label={room}>
            <h3>{room}</h3>
            <dl>
              {ACTION_IDS.filter((id) => BINDINGS[id].room === room).map((id) => (
                <div key={id}>
                  <dt>{BINDINGS[id].label}</dt>
                  <dd>
                    <Keys keys={BINDINGS[id].keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <div class="dialog-buttons">
        <button type="button" class="primary" autofocus onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
