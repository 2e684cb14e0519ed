// One line from stdin that is not shown: what is typed into a terminal is not echoed; a pipe is read to its end.
import { text } from 'node:stream/consumers';
import { CliError, EXIT } from './exit.js';

const ENTER = /[\r\n]/;
const [CTRL_C, CTRL_D, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\b', '\u007f'];

export async function readSecret(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return (await text(stdin)).trim();
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  // Only once nothing is echoed any more.
  stderr.write(prompt);
  let secret = '';
  try {
    // Pasted text comes as one chunk.
    for await (const chunk of stdin)
      for (const key of String(chunk)) {
        if (ENTER.test(key)) return secret.trim();
        if (key === CTRL_C || (key === CTRL_D && secret === '')) throw new CliError(EXIT.usage, 'nothing was entered');
        secret = key === BACKSPACE || key === DELETE ? secret.slice(0, -1) : secret + key;
      }
    return secret.trim();
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}
