// Completions in the shells themselves: what fish and bash offer for a line that is typed.
import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ENV, MAIN } from '../../support/cli.js';
import { newFolder } from '../../support/folder.js';
import { have } from '../../support/required.js';
import { openBench } from '../stream/support.js';

const SCRIPTS = {
  // What stands before the cursor, and what may be there.
  fish: (line: string) => `qmp-gateway completion fish | source; complete -C '${line}' | cut -f1`,
  bash: (line: string) => `source <(qmp-gateway completion bash)
    COMP_LINE='${line}'; COMP_POINT=${line.length}
    _qmp_gateway; printf '%s\\n' "\${COMPREPLY[@]}"`,
};

/** A gateway with two sources, and jobs on each. */
async function serve(): Promise<string> {
  const { app, wire, sim } = await openBench(['vm1', 'vm2']);
  await wire.call('subscribe', {});
  for (const [vm, job] of [
    ['vm1', 'data'],
    ['vm1', 'logs'],
    ['vm2', 'home'],
  ] as const) {
    sim(vm).jobs.start({ id: job, type: 'mirror', bytesPerSecond: 1 });
    await wire.status(job, 'running');
  }
  return app.url;
}

describe.each(['fish', 'bash'] as const)('completions of %s', (shell) => {
  it.skipIf(!have(shell, 'REQUIRE_SHELLS'))(
    'are commands, then flags and their values, sources, and the jobs of the source alone',
    { timeout: 60_000 },
    async () => {
      const url = await serve();
      const folder = newFolder();
      const program = join(folder, 'qmp-gateway');
      writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${resolve(MAIN)}' "$@"\n`);
      chmodSync(program, 0o755);
      const env = { ...process.env, ...ENV, PATH: `${folder}:${process.env.PATH}`, QMP_GATEWAY_URL: url, HOME: folder };
      const offered = async (line: string): Promise<string[]> => {
        const { stdout } = await promisify(execFile)(shell, ['-c', SCRIPTS[shell](line)], { env });
        return stdout.trim().split('\n').toSorted();
      };
      expect(await offered('qmp-gateway ab')).toEqual(['abort']);
      expect(await offered('qmp-gateway abort --esc')).toEqual(['--escalate-after']);
      expect(await offered('qmp-gateway jobs --sort ')).toContain('done');
      expect(await offered('qmp-gateway abort ')).toEqual(['vm1', 'vm2']);
      expect(await offered('qmp-gateway abort --run x --sync vm1 ')).toEqual(['data', 'logs']);
      expect(await offered('qmp-gateway speed 10M vm2 ')).toEqual(['home']);
      // The gateway that the line names is asked, not another.
      env.QMP_GATEWAY_URL = 'http://127.0.0.1:1';
      expect(await offered('qmp-gateway abort ')).toEqual(['']);
      for (const named of [`--url ${url}`, `--url=${url}`]) {
        expect(await offered(`qmp-gateway abort ${named} vm1 `)).toEqual(['data', 'logs']);
        expect(await offered(`qmp-gateway jobs ${named} --source `)).toEqual(['vm1', 'vm2']);
      }
    },
  );
});
