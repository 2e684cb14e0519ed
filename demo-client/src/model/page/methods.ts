// The console's input: suggestions for methods, and the text as a request. Pure.
import type { MethodName } from 'qmp-gateway/protocol';

/** Parameters to begin with. A method that is missing here does not compile. */
export const TEMPLATES: Record<MethodName, string> = {
  'server.info': '',
  authenticate: '{"token":""}',
  'source.list': '',
  'job.list': '',
  'job.get': '{"source":"","job":""}',
  'job.abort': '{"source":"","job":"","sync":true,"timeoutMs":30000}',
  'job.wait': '{"source":"","job":"","timeoutMs":30000}',
  'job.complete': '{"source":"","job":""}',
  'job.pause': '{"source":"","job":""}',
  'job.resume': '{"source":"","job":""}',
  'job.finalize': '{"source":"","job":""}',
  'job.dismiss': '{"source":"","job":""}',
  'job.setSpeed': '{"source":"","job":"","speed":0}',
  'history.list': '',
  'history.get': '{"source":"","job":""}',
  subscribe: '{"types":["BLOCK_JOB_*"]}',
  unsubscribe: '{"subscription":""}',
};

const NAMES = Object.keys(TEMPLATES) as MethodName[];

/** Methods that begin with the text, then those that contain it. None once parameters have begun. */
export function suggest(text: string): MethodName[] {
  const typed = text.trimStart();
  if (typed.startsWith('{') || /\s/.test(typed)) return [];
  const low = typed.toLowerCase();
  const begin = NAMES.filter((name) => name.toLowerCase().startsWith(low));
  const contain = NAMES.filter((name) => !begin.includes(name) && name.toLowerCase().includes(low));
  return begin.length === 1 && begin[0] === typed && contain.length === 0 ? [] : [...begin, ...contain];
}

export function accept(name: MethodName): string {
  return TEMPLATES[name] === '' ? name : `${name} ${TEMPLATES[name]}`;
}

export type Typed = { ok: true; text: string; id: string | number; method: string } | { ok: false; why: string };

/** The text as it is if it is a whole JSON-RPC request; else `method` and params with the id `nextId`. */
export function readTyped(typed: string, nextId: number): Typed {
  const text = typed.trim();
  if (text === '') return { ok: false, why: 'Type a method, or a JSON-RPC request.' };
  if (text.startsWith('{')) {
    const parsed = parse(text);
    if (!parsed.ok) return parsed;
    const { id = 'none', method = '?' } = parsed.value as { id?: string | number; method?: string };
    return { ok: true, text, id, method };
  }
  const [, method = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  const params = parse(rest === '' ? '{}' : rest);
  if (!params.ok) return params;
  const request = { jsonrpc: '2.0', id: nextId, method, params: params.value };
  return { ok: true, text: JSON.stringify(request), id: nextId, method };
}

function parse(text: string): { ok: true; value: unknown } | { ok: false; why: string } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, why: `Not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
