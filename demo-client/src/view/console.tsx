// The protocol by hand. In: the gateway's URL. Out: a line to type JSON-RPC on, and the frames of a WebSocket of its own.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { openConsoleSocket } from '../console-socket.js';
import { readTyped } from '../model/methods.js';
import { ConsoleInput } from './console-input.js';
import { Frames } from './frames.js';

export function Console({ url }: { url: string }) {
  const wire = useMemo(() => openConsoleSocket(url), [url]);
  const [problem, setProblem] = useState<string>();
  const [quiet, setQuiet] = useState(false);
  const nextId = useSignal(1);
  useEffect(() => {
    wire.connect();
    return wire.close;
  }, [wire]);

  function send(text: string): boolean {
    const typed = readTyped(text, nextId.peek());
    if (!typed.ok) {
      setProblem(typed.why);
      return false;
    }
    const sent = wire.send(typed.text, typed.id, typed.method);
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
        <span class={`pill tone-${wire.open.value ? 'good' : 'warn'}`}>
          <span class="dot" aria-hidden="true" />
          {wire.open.value ? 'own line open' : 'own line closed'}
        </span>
        {!wire.open.value && (
          <button type="button" onClick={wire.connect}>
            Reconnect
          </button>
        )}
        <span class="grow" />
        <label class="check small">
          <input type="checkbox" checked={quiet} onChange={(event) => setQuiet(event.currentTarget.checked)} /> Hide
          notifications
        </label>
        <button type="button" class="quiet" onClick={wire.clear}>
          Clear <kbd>Ctrl L</kbd>
        </button>
      </div>
      <Frames
        frames={wire.frames.value.filter(
          ({ way, tookMs, failed }) => !quiet || way !== 'in' || tookMs !== undefined || failed,
        )}
      />
      <ConsoleInput onSend={send} onClear={wire.clear} problem={problem} />
    </section>
  );
}
