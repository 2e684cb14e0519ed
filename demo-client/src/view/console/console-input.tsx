// The console's field: Enter sends, Tab takes a suggestion, arrows choose or recall, Escape closes.
import { useRef, useState } from 'preact/hooks';
import { accept, suggest } from '../../model/page/methods.js';

interface ConsoleInputProps {
  /** Returns whether the text was sent; if not, it stays. */
  onSend(text: string): boolean;
  onClear(): void;
  problem: string | undefined;
}

export function ConsoleInput({ onSend, onClear, problem }: ConsoleInputProps) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const [closed, setClosed] = useState(true);
  const past = useRef<string[]>([]);
  const recall = useRef(0);
  const names = closed ? [] : suggest(text);
  const pick = Math.min(chosen, names.length - 1);

  function put(value: string): void {
    setText(value);
    const element = input.current;
    if (!element) return;
    element.value = value;
    // The cursor goes to the first blank.
    const blank = value.indexOf('""');
    const at = blank < 0 ? value.length : blank + 1;
    element.setSelectionRange(at, at);
    element.focus();
  }

  function take(index: number): void {
    const name = names[index];
    if (!name) return;
    put(accept(name));
    setClosed(true);
  }

  function send(): void {
    if (!onSend(text)) return;
    if (past.current.at(-1) !== text) past.current.push(text);
    recall.current = past.current.length;
    put('');
    setClosed(true);
  }

  function key(event: KeyboardEvent): void {
    const open = names.length > 0;
    const act = (action: () => void): void => {
      event.preventDefault();
      action();
    };
    if (event.key === 'Enter') act(open && names[pick] !== text.trim() && text.trim() !== '' ? () => take(pick) : send);
    else if (event.key === 'Tab' && open && !event.shiftKey) act(() => take(pick));
    else if (event.key === 'Escape' && open) act(() => setClosed(true));
    else if (event.key === 'l' && event.ctrlKey) act(onClear);
    else if (event.key === ' ' && event.ctrlKey) act(() => setClosed(false));
    else if (open && event.key === 'ArrowDown') act(() => setChosen((pick + 1) % names.length));
    else if (open && event.key === 'ArrowUp') act(() => setChosen((pick - 1 + names.length) % names.length));
    else if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      const to = recall.current + (event.key === 'ArrowUp' ? -1 : 1);
      if (to < 0 || to > past.current.length) return;
      recall.current = to;
      act(() => put(past.current[to] ?? ''));
    }
  }

  return (
    <div class="console-input">
      {names.length > 0 && (
        <div id="suggestions" class="suggestions" role="listbox" aria-label="Methods">
          {names.map((name, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the input's, see aria-activedescendant
            <div
              key={name}
              id={`suggestion-${index}`}
              role="option"
              aria-selected={index === pick}
              onClick={() => take(index)}
            >
              {name}
            </div>
          ))}
        </div>
      )}
      <input
        type="text"
        ref={input}
        id="console-line"
        spellcheck={false}
        autocomplete="off"
        role="combobox"
        aria-label="JSON-RPC request"
        aria-expanded={names.length > 0}
        aria-controls="suggestions"
        aria-autocomplete="list"
        aria-activedescendant={names.length > 0 ? `suggestion-${pick}` : undefined}
        placeholder='job.list    or    job.get {"source":"vm1","job":"drive0"}    or a whole JSON-RPC request'
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
          setClosed(event.currentTarget.value.trim() === '');
        }}
        onKeyDown={key}
      />
      <p class="small console-help" role="status">
        {problem ? (
          <span class="text-bad">{problem}</span>
        ) : (
          <span class="muted">
            <kbd>Enter</kbd> sends · <kbd>Tab</kbd> completes · <kbd>↑</kbd> recalls · <kbd>Ctrl Space</kbd> lists
            methods
          </span>
        )}
      </p>
    </div>
  );
}
