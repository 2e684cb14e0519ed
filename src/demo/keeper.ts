// A folder and a program in it that end together with this process, however it ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';

export interface Keeper {
  /** Ends the program and removes the folder; resolves when both are gone. May be called twice. */
  close(): Promise<void>;
}

/**
 * A process that is killed with SIGKILL can't clean up, and its child is not notified. So a shell is the program's parent and reads a pipe from this
 * process: the kernel closes the pipe when this process ends, and then the shell kills the program and removes the folder. The shell has a session of
 * its own, so that no signal of a terminal ends it first. As the parent it kills the right process, since a child's id is not reused before `wait`.
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
  // Without a shell, or if it was killed, close() does the rest.
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
