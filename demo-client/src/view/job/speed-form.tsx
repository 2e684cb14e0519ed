// A form for a speed limit in MiB per second (0 is none), which gives bytes per second as a decimal string.
import { useState } from 'preact/hooks';

export function SpeedForm({ onSpeed }: { onSpeed(bytesPerSecond: string): void }) {
  const [value, setValue] = useState('');
  const mib = Number(value);
  const ok = value !== '' && mib >= 0 && mib < 2 ** 43;
  return (
    <form
      class="speed-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (ok) onSpeed(String(Math.round(mib * 1_048_576)));
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
      <button type="submit" disabled={!ok}>
        Set
      </button>
    </form>
  );
}
