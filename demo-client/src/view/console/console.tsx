// A console for the protocol: a field for JSON-RPC, and the messages of a WebSocket of its own.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { openConsoleSocket } from '../../gateway/console-socket.js';
import { readTyped } from '../../model/page/methods.js';
import { ConsoleInput } from './console-input.js';
import { Frames } from './frames.js';

export function Console({ url }: { url: string }) {
  const socket = useMemo(() => openConsoleSocket(url), [url]);
  const [problem, setProblem] = useState<string>();
  const [quiet, setQuiet] = useState(false);
  const nextId = useSignal(1);
  useEffect(() => {
    socket.connect();
    return socket.close;
  }, [socket]);

  function send(text: string): boolean {
    const typed = readTyped(text, nextId.peek());
    if (!typed.ok) {
      setProblem(typed.why);
      return false;
    }
    const sent = socket.send(typed.text, typed.id, typed.method);
    if (sent) nextId.value += 1;
    setProblem(sent ? undefined : 'Not connected. Reconnect, then send again.');
    return sent;
  }

  return (
    <section class="card console" aria-labelledby="console-title">
      <div class="toolbar">
        <h1 id="console-title" class="as-h2">
          Console
        </h1>
        <span class={`pill tone-${socket.open.value ? 'good' : 'warn'}`}>
          <span class="dot" aria-hidden="true" />
          {socket.open.value ? 'own connection open' : 'own connection closed'}
        </span>
        {!socket.open.value && (
          <button type="button" onClick={socket.connect}>
            Reconnect
          </button>
        )}
        <span class="grow" />
        <label class="check small">
          <input type="checkbox" checked={quiet} onChange={(event) => setQuiet(event.currentTarget.checked)} /> Hide
          notifications
        </label>
        <button type="button" class="quiet" onClick={socket.clear}>
          Clear <kbd>Ctrl L</kbd>
        </button>
      </div>
      <Frames
        frames={socket.frames.value.filter(
          ({ way, tookMs, failed }) => !quiet || way !== 'in' || tookMs !== undefined || failed,
        )}
      />
      <ConsoleInput onSend={send} onClear={socket.clear} problem={problem} />
    </section>
  );
}
