// A folder, and a program in it, that end with this process, however it ends. In: both. Out: one handle that ends them earlier.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';

export interface Keeper {
  /** Ends the program and removes the folder; resolves when both are gone. May be called twice. */
  close(): Promise<void>;
}

/**
 * A process that is killed with SIGKILL can't clean up after itself, and a child does not hear of it. So a shell is the program's parent and reads
 * a pipe from here: the kernel closes that pipe with this process, whatever ended it, and then the shell kills and removes.
 * In a session of its own no signal of a terminal ends it first; as the parent it kills the right process, since the id of a child is
 * not given to another before `wait`.
 */
const SCRIPT = `trap '' HUP INT TERM
folder=$1
shift
pid=
if [ $# -gt 0 ]; then "$@" </dev/null & pid=$!; fi
read -r _
if [ -n "$pid" ]; then kill -9 "$pid"; wait; fi
rm -rf -- "$folder"`;

export function keep(folder: string, command: readonly string[] = []): Keeper {
  const shell = spawn('sh', ['-c', SCRIPT, 'qmp-gateway-demo', folder, ...command], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const ended = over(shell);
  // Without a shell, or when it was killed: what is left to do is done in close().
  shell.stdin.on('error', () => undefined);
  return {
    close: async () => {
      shell.stdin.end();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const over = (child: ChildProcess): Promise<unknown> => once(child, 'exit').catch(() => undefined);
