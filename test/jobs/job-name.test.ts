// What a job is called on the wire, whatever QEMU calls it.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nameOf, runNamed } from '../../src/jobs/model/job-name.js';
import { beginRun } from '../../src/jobs/model/run.js';
import { LIMITS } from '../../src/protocol/index.js';

it('an id within the limit is its own name; a longer one is cut between characters and stays distinct', () => {
  const part = fc.constantFrom('a', 'é', '€', '𝄞', '…', ' ');
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 1_400 }), part, (parts, more) => {
      const id = parts.join('');
      const name = nameOf(id);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(LIMITS.jobBytes);
      expect(name).not.toContain('\ufffd');
      if (Buffer.byteLength(id) <= LIMITS.jobBytes) expect(name).toBe(id);
      else {
        expect(id.startsWith(name.slice(0, name.lastIndexOf('…')))).toBe(true);
        expect(nameOf(id + more)).not.toBe(name);
      }
      const runs = new Map([
        [id, beginRun({ source: 'vm1', id: id, run: 'e:1', began: { cursor: 'e:1' } }, 'running', 0, false)],
      ]);
      expect(runNamed(runs, name)?.id).toBe(id);
      expect(runNamed(runs, `${name}x`)).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});
