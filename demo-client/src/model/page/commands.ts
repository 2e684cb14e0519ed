// What the page shows, as commands for a shell: curl, and the command line of qmp-gateway. Pure.
import type { JobTarget, MethodName } from 'qmp-gateway/protocol';

/** One word of a POSIX shell, whatever it contains. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A word that no command line takes for a flag: it stands behind `--`. */
const operands = (...words: string[]): string =>
  `${words.some((word) => word.startsWith('-')) ? '-- ' : ''}${words.map(shellWord).join(' ')}`;

export interface Gate {
  /** Address of the page, without its hash. */
  url: string;
  /** Whether the gateway asks for a token. It is never part of a command: the shell has it in QMP_GATEWAY_TOKEN. */
  hasToken: boolean;
}

export function curlOf({ url, hasToken }: Gate, method: MethodName, params: object): string {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const token = hasToken ? ' -H "Authorization: Bearer $QMP_GATEWAY_TOKEN"' : '';
  const at = shellWord(new URL('v1/rpc', url).href);
  return `curl -sS ${at} -H 'Content-Type: application/json'${token} -d ${shellWord(body)}`;
}

const cli = ({ url }: Gate, command: string, rest: string): string =>
  `qmp-gateway ${command} --url ${shellWord(new URL('.', url).href)} ${rest}`;

const ofRun = (run: string | undefined): string => (run === undefined ? '' : `--run ${shellWord(run)} `);

export function cliShow(gate: Gate, { source, job, run }: JobTarget): string {
  return cli(gate, 'show', `${ofRun(run)}${operands(source, job)}`);
}

export function cliAbort(gate: Gate, { source, job, run }: JobTarget): string {
  return cli(gate, 'abort', `--sync ${ofRun(run)}${operands(source, job)}`);
}

/** Follows the events after a cursor. */
export function cliEvents(gate: Gate, after: string): string {
  return cli(gate, 'events', `--after ${shellWord(after)}`);
}
