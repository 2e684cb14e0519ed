// Types from schemas: two small ones whose union is written out here, and the schemas of the QEMU of this machine against the committed files.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it, onTestFinished } from 'vitest';
import { have } from '../support/required.js';

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'types-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const generate = (folder: string, ...schemas: string[]) =>
  spawnSync(process.execPath, ['scripts/generate-events.mjs', '--out', folder, ...schemas], { encoding: 'utf8' });

const builtins = [
  { name: 'str', 'meta-type': 'builtin', 'json-type': 'string' },
  { name: 'int', 'meta-type': 'builtin', 'json-type': 'int' },
  { name: '0', 'meta-type': 'object', members: [] },
];
const event = (name: string, type: string, features: string[] = []) => ({
  name,
  'meta-type': 'event',
  'arg-type': type,
  features,
});
const command = (name: string, args: string, value: string) => ({
  name,
  'meta-type': 'command',
  'arg-type': args,
  'ret-type': value,
});
const object = (name: string, members: object[], more: object = {}) => ({
  name,
  'meta-type': 'object',
  members,
  ...more,
});
const values = (name: string, ...all: string[]) => ({ name, 'meta-type': 'enum', values: all });

const OLD = [
  ...builtins,
  event('GONE', '0', ['deprecated']),
  event('BOTH', '1'),
  object('1', [
    { name: 'id', type: 'str' },
    { name: 'old', type: 'int' },
    { name: 'how', type: '2' },
  ]),
  values('2', 'a', 'b'),
  command('add', '3', '0'),
  // A node that has a node: by its name, or a new one.
  object('3', [{ name: 'driver', type: '4' }], {
    tag: 'driver',
    variants: [
      { case: 'file', type: '5' },
      { case: 'raw', type: '6' },
    ],
  }),
  values('4', 'file', 'raw'),
  object('5', [{ name: 'size', type: 'int' }]),
  object('6', [{ name: 'file', type: '7' }]),
  { name: '7', 'meta-type': 'alternate', members: [{ type: 'str' }, { type: '3' }] },
];
/** The same names of types stand for other types. */
const NEW = [
  ...builtins,
  event('BOTH', '2'),
  object('2', [
    { name: 'id', type: 'str' },
    { name: 'how', type: '1' },
    { name: 'more', type: '[int]', default: null },
  ]),
  values('1', 'b', 'c'),
  { name: '[int]', 'meta-type': 'array', 'element-type': 'int' },
  command('query', '0', '[int]'),
];

it('makes one type of two schemas: what one lacks is optional, values are those of both', () => {
  const folder = folderOf();
  const schema = (version: string, all: object[]): string => {
    const file = join(folder, `${version}.json`);
    writeFileSync(file, JSON.stringify({ program: 'qemu-system-x86_64', version, schema: all }));
    return file;
  };
  const both = [schema('7.2', OLD), schema('10.0', NEW)];
  expect(generate(folder, ...both)).toMatchObject({ status: 0, stderr: '' });
  expect(readFileSync(join(folder, 'protocol/generated/events.ts'), 'utf8')).toContain(`
export interface QemuEvents {
  /** qemu-system-x86_64 7.2, 10.0. */
  BOTH: {
    id: string;
    /** Not in 10.0. */
    old?: Int64;
    how: Open<'a' | 'b' | 'c'>;
    /** Not in 7.2. */
    more?: Int64[];
  };
  /** qemu-system-x86_64 7.2. Deprecated: qemu-system-x86_64 7.2. */
  GONE: Record<string, never>;
}
`);
  expect(readFileSync(join(folder, 'qmp/generated/commands.ts'), 'utf8')).toContain(`
export interface QemuCommands {
  /** qemu-system-x86_64 7.2. */
  add: { args: AddArgs; value: Record<string, never> };
  /** qemu-system-x86_64 10.0. */
  query: { args: Record<string, never>; value: Int64[] };
}

type AddArgs = { driver: 'file'; size: number | bigint } | { driver: 'raw'; file: string | AddArgs };
`);
  const again = generate(folder, both[1] ?? '');
  expect(again.status).toBe(1);
  expect(again.stderr).toContain('is also from qemu-system-x86_64 7.2');
});

const programs = ['qemu-system-x86_64', 'qemu-storage-daemon'].filter((program) => have(program, 'REQUIRE_QEMU'));

it.skipIf(programs.length === 0)(
  'the committed types have every member and value of the installed QEMU',
  { timeout: 120_000 },
  () => {
    const folder = folderOf();
    for (const file of ['protocol/int64.ts', 'protocol/generated/events.ts', 'qmp/generated/commands.ts'])
      cpSync(`src/${file}`, join(folder, 'committed', file));
    cpSync('src/protocol/int64.ts', join(folder, 'installed/protocol/int64.ts'));
    expect(generate(join(folder, 'installed'), ...programs)).toMatchObject({ status: 0, stderr: '' });
    const roots = ['protocol/generated/events.ts', 'qmp/generated/commands.ts'];
    const files = ['committed', 'installed'].flatMap((side) => roots.map((root) => join(folder, side, root)));
    const program = ts.createProgram(files, { strict: true, noEmit: true, types: [], target: ts.ScriptTarget.ES2022 });
    const checker = program.getTypeChecker();
    expect(ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText)).toEqual([]);
    const typeOf = (side: string, root: number): ts.Type => {
      const source = program.getSourceFile(join(folder, side, roots[root] ?? ''));
      const symbol = source && checker.getSymbolAtLocation(source);
      const [found] = symbol ? checker.getExportsOfModule(symbol) : [];
      if (!found) throw new Error(`${side} exports nothing`);
      return checker.getDeclaredTypeOfSymbol(found);
    };
    const lacking = new Lacking(checker);
    for (const root of [0, 1])
      lacking.compare([typeOf('installed', root)], [typeOf('committed', root)], roots[root] ?? '');
    expect(lacking.found).toEqual([]);
    expect(lacking.compared).toBeGreaterThan(50);
  },
);

/** What one type has and another lacks: members, literals, and that a member may be missing. */
class Lacking {
  readonly found: string[] = [];
  compared = 0;
  readonly #checker: ts.TypeChecker;
  readonly #seen = new Set<string>();
  readonly #ids = new Map<ts.Type, number>();

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  compare(installed: readonly ts.Type[], committed: readonly ts.Type[], path: string): void {
    const [mine, theirs] = [installed, committed].map((all) => [...new Set(all.flatMap((type) => this.#parts(type)))]);
    const key = [mine, theirs]
      .map((all) =>
        (all ?? [])
          .map((type) => this.#id(type))
          .sort()
          .join(),
      )
      .join('|');
    if (!mine || !theirs || this.#seen.has(key)) return;
    this.#seen.add(key);
    const literals = new Set(theirs.flatMap((type) => (type.isStringLiteral() ? [type.value] : [])));
    for (const type of mine) {
      if (type.isStringLiteral() && !literals.has(type.value)) this.found.push(`${path} = ${type.value}`);
    }
    const [ours, here] = [mine, theirs].map((all) => this.#members(all));
    for (const [name, { types, isOptional }] of ours ?? []) {
      this.compared += 1;
      const other = here?.get(name);
      if (!other || (isOptional && !other.isOptional)) this.found.push(`${path}.${name}`);
      else this.compare(types, other.types, `${path}.${name}`);
    }
  }

  #parts(type: ts.Type): ts.Type[] {
    if (type.isUnion()) return type.types.flatMap((each) => this.#parts(each));
    const [element] = this.#checker.isArrayType(type) ? this.#checker.getTypeArguments(type as ts.TypeReference) : [];
    return element ? this.#parts(element) : [type];
  }

  #members(all: readonly ts.Type[]): Map<string, { types: ts.Type[]; isOptional: boolean }> {
    const members = new Map<string, { types: ts.Type[]; isOptional: boolean }>();
    for (const type of all.filter((each) => (each.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0))
      for (const property of this.#checker.getPropertiesOfType(type)) {
        // Of `string & {}` and the like.
        if (!property.declarations?.some((each) => each.getSourceFile().fileName.includes('/generated/'))) continue;
        const member = members.get(property.name) ?? { types: [], isOptional: false };
        member.types.push(this.#checker.getTypeOfSymbol(property));
        member.isOptional ||= (property.flags & ts.SymbolFlags.Optional) !== 0;
        members.set(property.name, member);
      }
    return members;
  }

  #id(type: ts.Type): number {
    const id = this.#ids.get(type) ?? this.#ids.size;
    this.#ids.set(type, id);
    return id;
  }
}
