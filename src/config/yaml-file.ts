// A YAML file (JSON is YAML) against a schema; each problem with its line and column.
import { readFileSync } from 'node:fs';
import { isMap, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import type { z } from 'zod';
import type { Place, Problems } from './problem.js';

export interface YamlFile<Value> {
  value: Value;
  /** `FILE:LINE:COLUMN` of the member, counted from 1. */
  placeOf: (path: readonly PropertyKey[]) => Place;
}

/** Never throws. `undefined`: there were problems, each of which was added. */
export function readYaml<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  problems: Problems,
): YamlFile<z.output<Schema>> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    problems.file('file', path, error);
    return undefined;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  for (const { pos, message } of document.errors) problems.add(`${at(pos[0])}: ${message}`);
  if (document.errors.length > 0) return undefined;
  const placeOf = (member: readonly PropertyKey[]): Place => at(offsetOf(document.contents, member));
  const parsed = schema.safeParse(document.toJS() ?? undefined);
  if (parsed.success) return { value: parsed.data, placeOf };
  for (const issue of parsed.error.issues) {
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys) problems.add(`${placeOf([...issue.path, key])}: ${key}: no such setting`);
    else problems.add(`${placeOf(issue.path)}: ${nameOf(issue.path)}${issue.message}`);
  }
  return undefined;
}

const nameOf = (path: readonly PropertyKey[]): string => (path.length > 0 ? `${path.join('.')}: ` : '');

/** Of the key of a member of a map, of an element of a list; of the nearest that is there. */
function offsetOf(root: Node | null, path: readonly PropertyKey[]): number {
  let node: Node | null = root;
  let offset = root?.range?.[0] ?? 0;
  for (const key of path) {
    const pair = isMap(node) ? pairOf(node, key) : undefined;
    const next = pair ? pair.value : isCollection(node) ? node.get(key, true) : undefined;
    const start = (pair?.key as Node | undefined)?.range?.[0] ?? (next as Node | undefined)?.range?.[0];
    if (start === undefined) return offset;
    offset = start;
    node = (next ?? null) as Node | null;
  }
  return offset;
}

const pairOf = (map: YAMLMap, key: PropertyKey): YAMLMap['items'][number] | undefined =>
  map.items.find((pair) => String((pair.key as { value?: unknown } | null)?.value) === String(key));

const isCollection = (node: Node | null): node is Node & { get: (key: unknown, keep: true) => unknown } =>
  node !== null && 'get' in node;
