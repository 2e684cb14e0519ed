// A YAML file (JSON is YAML) against a schema; each problem with its line and column.
import { readFileSync } from 'node:fs';
import { type Alias, type Document, isMap, LineCounter, type Node, parseDocument, visit, type YAMLMap } from 'yaml';
import { z } from 'zod';
import { nearest } from './names.js';
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
  // A file that is being written may be empty at a reload, so an empty one does not count as one that takes everything back.
  if (document.contents === null) {
    const meant = schema.safeParse([]).success ? '[]' : '{}';
    problems.add(`${path}: there is nothing in the file; ${meant} says that nothing is meant`);
    return undefined;
  }
  const placeOf = (member: readonly PropertyKey[]): Place => at(offsetOf(document.contents, member));
  const { value, problem } = contentOf(document);
  if (problem) {
    problems.add(`${problem.offset === undefined ? path : at(problem.offset)}: ${problem.why}`);
    return undefined;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { value: parsed.data, placeOf };
  const found = parsed.error.issues
    .flatMap((issue) => problemsOf(issue, schema))
    .map((problem) => ({
      ...problem,
      offset: offsetOf(document.contents, problem.path),
    }));
  for (const { offset, why } of found.sort((a, b) => a.offset - b.offset)) problems.add(`${at(offset)}: ${why}`);
  // What is left is read too, so that its problems are listed in the same run.
  const rest = schema.safeParse(without(value, new Set(found.map(({ path }) => path[0]))));
  return rest.success ? { value: rest.data, placeOf } : undefined;
}

/** An alias may name an anchor that there is not, or repeat a part so often that it does not fit into memory. */
function contentOf(document: Document.Parsed): {
  value?: unknown;
  problem?: { why: string; offset?: number | undefined };
} {
  let unknown: Alias | undefined;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document)) return undefined;
      unknown = alias;
      return visit.BREAK;
    },
  });
  if (unknown) {
    const { source, range } = unknown;
    return { problem: { why: `*${source}: a text that begins with * needs quotes`, offset: range?.[0] } };
  }
  try {
    return { value: document.toJS() ?? undefined };
  } catch (error) {
    return { problem: { why: error instanceof Error ? error.message : String(error) } };
  }
}

function problemsOf(issue: z.core.$ZodIssue, schema: z.ZodType): { path: PropertyKey[]; why: string }[] {
  const { path, message } = issue;
  if (issue.code === 'unrecognized_keys') {
    const known = membersAt(schema, path);
    return issue.keys.map((key) => {
      const meant = nearest(key, known);
      return { path: [...path, key], why: `${key}: no such setting${meant === undefined ? '' : `; ${meant} is one`}` };
    });
  }
  return [{ path, why: `${nameOf(path)}${message}` }];
}

/** A part of a JSON Schema. */
interface Shape {
  properties?: Record<string, Shape>;
  items?: Shape;
}

/** Names of the members that the object at `path` may have; none where it is one of several kinds. */
function membersAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let shape: Shape | undefined = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Shape;
  for (const key of path) shape = typeof key === 'number' ? shape?.items : shape?.properties?.[String(key)];
  return Object.keys(shape?.properties ?? {});
}

const without = (value: unknown, members: ReadonlySet<PropertyKey | undefined>): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([name]) => !members.has(name)))
    : undefined;

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
