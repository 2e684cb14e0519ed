// Anything of the gateway's as JSON, with buttons to copy it.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Copy } from './copy.js';
import { useModal } from './modal.js';

interface JsonDialogProps {
  title: string;
  value: unknown;
  onClose(): void;
  /** Further buttons. */
  children?: ComponentChildren;
}

export function JsonDialog({ title, value, onClose, children }: JsonDialogProps) {
  const dialog = useModal();
  // As it was: new figures in the text would undo what the user selects in it.
  const [text] = useState(() => JSON.stringify(value, null, 2));
  return (
    <dialog ref={dialog} class="json" aria-labelledby="json-title" onClose={onClose} data-testid="json">
      <h2 id="json-title">{title}</h2>
      <pre tabIndex={0}>{text}</pre>
      <div class="dialog-buttons">
        <Copy text={text} what="JSON" />
        {children}
        <button type="button" class="primary" autofocus onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
