// Checks a command's arguments against its declared parameters; gives typed values or QEMU's error.
import { fail, type QmpError } from './model.js';
import { Double } from './parse.js';

type Kind = 'str' | 'int' | 'bool' | 'object' | 'list' | readonly string[];
/** A name ending in `?` is optional. Kinds: a type, or the members of an enumeration. */
export type Parameters = Readonly<Record<string, Kind>>;
export type Checked = { ok: true; values: Arguments } | { ok: false; error: QmpError };

const EXPECTED: Record<string, string> = {
  str: 'string',
  int: 'integer',
  bool: 'boolean',
  object: 'object',
  list: 'array',
};
const INT64_MAX = 2n ** 63n - 1n;

/** Checked arguments. The getters return `undefined` for an optional one that is absent. */
export class Arguments {
  readonly #values: Record<string, unknown>;
  constructor(values: Record<string, unknown>) {
    this.#values = values;
  }
  string = (name: string): string | undefined => this.#values[name] as string | undefined;
  int = (name: string): number | bigint | undefined => this.#values[name] as number | bigint | undefined;
  boolean = (name: string): boolean | undefined => this.#values[name] as boolean | undefined;
  list = (name: string): unknown[] => (this.#values[name] ?? []) as unknown[];
  object = (name: string): Record<string, unknown> => (this.#values[name] ?? {}) as Record<string, unknown>;
  has = (name: string): boolean => name in this.#values;
}

function fits(kind: Kind, value: unknown): boolean {
  switch (kind) {
    case 'str':
      return typeof value === 'string';
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'number' || (typeof value === 'bigint' && value <= INT64_MAX && value >= -INT64_MAX - 1n);
    case 'list':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Double);
    default:
      return typeof value === 'string';
  }
}

/** Never throws. Declared parameters are checked in order; any other argument is unexpected. */
export function checkParameters(declared: Parameters, given: Record<string, unknown>): Checked {
  for (const [declaration, kind] of Object.entries(declared)) {
    const optional = declaration.endsWith('?');
    const name = optional ? declaration.slice(0, -1) : declaration;
    if (!(name in given)) {
      if (optional) continue;
      return fail(`Parameter '${name}' is missing`);
    }
    const value = given[name];
    if (!fits(kind, value)) {
      return fail(
        `Invalid parameter type for '${name}', expected: ${typeof kind === 'string' ? EXPECTED[kind] : 'string'}`,
      );
    }
    if (typeof kind !== 'string' && !kind.includes(value as string)) {
      return fail(`Parameter '${name}' does not accept value '${String(value)}'`);
    }
  }
  const known = Object.keys(declared).map((name) => name.replace(/\?$/, ''));
  const unexpected = Object.keys(given).find((name) => !known.includes(name));
  if (unexpected !== undefined) return fail(`Parameter '${unexpected}' is unexpected`);
  return { ok: true, values: new Arguments(given) };
}
