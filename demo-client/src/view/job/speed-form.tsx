// A form for a speed limit in MiB per second (0 is none), which gives bytes per second as a decimal string.
import { useState } from 'preact/hooks';
import { parseSpeed } from '../../model/run/speed.js';

export function SpeedForm({ onSpeed }: { onSpeed(bytesPerSecond: string): void }) {
  const [value, setValue] = useState('');
  const speed = parseSpeed(value);
  return (
    <form
      class="speed-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (speed !== undefined) onSpeed(speed);
      }}
    >
      <label>
        MiB per second, 0 is unlimited{' '}
        <input
          type="number"
          min="0"
          step="any"
          required
          value={value}
          onInput={(event) => setValue(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={speed === undefined}>
        Set
      </button>
    </form>
  );
}
