// Who may import whom: read from the imports themselves.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Each layer and what it may import besides itself. Data flows left to right; commands come back by an interface alone. */
const ALLOWED: Record<string, readonly string[]> = {
  protocol: [],
  qmp: ['protocol'],
  sources: ['qmp', 'protocol'],
  jobs: ['sources', 'qmp', 'protocol'],
  stream: ['protocol'],
  gateway: ['stream', 'protocol'],
  client: ['protocol'],
  simulator: ['protocol'],
  demo: ['simulator', 'sources', 'qmp', 'protocol'],
  cli: ['.', 'demo', 'simulator', 'client', 'sources', 'protocol'],
  '.': ['gateway', 'stream', 'jobs', 'sources', 'qmp', 'protocol'],
};

/** The wire's own files that run anywhere: no package either. */
const BARE = ['types', 'codes', 'limits', 'cursor', 'answer', 'methods', 'rules', 'words', 'index'];

interface Edge {
  from: string;
  to: string;
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => `src/${file.replaceAll('\\', '/')}`);
const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
const layerOf = (file: string): string => {
  const parts = file.split('/');
  return parts.length > 2 ? (parts[1] ?? '') : '.';
};
const edges: Edge[] = files.flatMap((from) =>
  importsOf(from)
    .filter((path) => path.startsWith('.'))
    .map((path) => ({ from, to: normalize(join(dirname(from), path)).replace(/\.js$/, '.ts') })),
);

describe('the layers', () => {
  it('import only what lies before them', () => {
    const wrong = edges.filter(({ from, to }) => {
      const [a, b] = [layerOf(from), layerOf(to)];
      return a !== b && !ALLOWED[a]?.includes(b);
    });
    expect(wrong).toEqual([]);
  });

  it('are entered by their index alone, but for the protocol and the entries of the client', () => {
    const around = edges.filter(({ from, to }) => {
      const layer = layerOf(to);
      return layerOf(from) !== layer && layer !== '.' && layer !== 'protocol' && !/\/(index|node|rx)\.ts$/.test(to);
    });
    expect(around).toEqual([]);
  });

  it('have no circle of imports that exist at run time', () => {
    const runtime = new Map<string, string[]>();
    for (const file of files) {
      const text = readFileSync(file, 'utf8').replaceAll(/(?:import|export) type [^;]+;/g, '');
      const values = [...text.matchAll(/(?:import|export)\s+(\{[^}]*\}|\*[^;]*?|[\w$]+)\s+from\s+'(\.[^']+)'/g)].filter(
        ([, names = '']) =>
          !names.startsWith('{') ||
          names
            .replaceAll(/[{}\s]/g, '')
            .split(',')
            .some((name) => name !== '' && !name.startsWith('type')),
      );
      runtime.set(
        file,
        values.map(([, , path = '']) => normalize(join(dirname(file), path)).replace(/\.js$/, '.ts')),
      );
    }
    const state = new Map<string, 'open' | 'done'>();
    const circles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      state.set(file, 'open');
      for (const next of runtime.get(file) ?? []) visit(next, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  it('leave the wire free of every dependency', () => {
    const wire = files.filter((file) => BARE.some((name) => file === `src/protocol/${name}.ts`));
    expect(wire).toHaveLength(BARE.length);
    expect(wire.flatMap(importsOf).filter((path) => !path.startsWith('./'))).toEqual([]);
    const client = files.filter((file) => file.startsWith('src/client/') && !/\/(node|rx)\.ts$/.test(file));
    expect(client.flatMap(importsOf).filter((path) => !path.startsWith('.'))).toEqual([]);
  });
});

describe('the files', () => {
  it('stay below 300 lines and open by saying what they are', () => {
    const long = files.filter((file) => readFileSync(file, 'utf8').split('\n').length > 301);
    expect(long).toEqual([]);
    const mute = files.filter((file) => !/^(#!.*\n)?\/\//.test(readFileSync(file, 'utf8')));
    expect(mute.filter((file) => !/\/(exit)\.ts$/.test(file))).toEqual([]);
  });
});
