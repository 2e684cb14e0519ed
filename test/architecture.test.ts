// Who may import whom: read from the imports themselves.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Each layer and what else it may import. Data flows left to right; commands come back by an interface alone. `clock` is `src/clock.ts`, `broadcast` `src/broadcast.ts`, `socket-file` `src/socket-file.ts`, `tls` `src/tls.ts`. */
const ALLOWED: Record<string, readonly string[]> = {
  clock: [],
  broadcast: [],
  'socket-file': [],
  tls: [],
  protocol: [],
  access: ['protocol', 'clock'],
  qmp: ['protocol', 'broadcast'],
  sources: ['qmp', 'protocol', 'clock', 'socket-file', 'tls'],
  jobs: ['sources', 'access', 'protocol', 'clock'],
  log: ['protocol', 'clock', 'broadcast'],
  history: ['protocol', 'clock'],
  share: ['jobs', 'sources', 'qmp', 'protocol', 'clock', 'socket-file'],
  gateway: ['history', 'log', 'access', 'protocol', 'clock', 'socket-file', 'tls'],
  webhooks: ['log', 'protocol', 'clock'],
  nats: ['log', 'protocol', 'clock'],
  cluster: ['nats', 'gateway', 'log', 'jobs', 'sources', 'access', 'protocol', 'clock'],
  metrics: ['gateway', 'webhooks', 'log', 'qmp', 'protocol', 'clock'],
  client: ['protocol'],
  simulator: ['protocol'],
  conformance: ['protocol'],
  demo: ['simulator', 'sources', 'qmp', 'protocol'],
  config: ['access', 'gateway', 'history', 'log', 'share', 'sources', 'tls', 'webhooks'],
  cli: ['.', 'cluster', 'config', 'demo', 'log', 'simulator', 'client', 'sources', 'access', 'protocol'],
  '.': [
    'metrics',
    'cluster',
    'nats',
    'config',
    'gateway',
    'webhooks',
    'share',
    'history',
    'log',
    'jobs',
    'clock',
    'sources',
    'qmp',
    'access',
    'protocol',
  ],
};

/** The wire's own files that run anywhere: no package either. */
const BARE = [
  ...[
    'types',
    'int64',
    'generated/events',
    'codes',
    'limits',
    'history',
    'cursor',
    'answer',
    'methods',
    'rules',
    'words',
    'projection',
    'job-table',
    'glob',
    'scopes',
    'index',
  ],
];

interface Edge {
  from: string;
  to: string;
}

const filesIn = (folder: string, pattern: RegExp): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => pattern.test(file))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`);
const files = filesIn('src', /\.ts$/);
const pages = ['src', 'mock'].flatMap((folder) => filesIn(`demo-client/${folder}`, /\.tsx?$/));

/** Every import and export from a path, of types too: a circle of types is one all the same for who reads the files. */
const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/(?<!')(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
const layerOf = (file: string): string => {
  const parts = file.split('/');
  const shared = /^src\/(clock|broadcast|socket-file|tls)\.ts$/.exec(file)?.[1];
  if (shared) return shared;
  return parts.length > 2 ? (parts[1] ?? '') : '.';
};
/** `./x.js` in the source is `x.ts` or `x.tsx` on the disk. */
const sourceOf = (from: string, path: string): string => {
  const file = normalize(join(dirname(from), path)).replace(/\.js$/, '.ts');
  return existsSync(file) ? file : file.replace(/\.ts$/, '.tsx');
};
const edgesOf = (from: string): Edge[] =>
  importsOf(from)
    .filter((path) => path.startsWith('.'))
    .map((path) => ({ from, to: sourceOf(from, path) }));
const edges = files.flatMap(edgesOf);

/** Each circle once, as a path from its first file back to it. */
function circlesIn(all: readonly Edge[]): string[] {
  const next = new Map<string, Edge[]>();
  for (const edge of all) next.set(edge.from, [...(next.get(edge.from) ?? []), edge]);
  const state = new Map<string, 'open' | 'done'>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      return;
    }
    state.set(file, 'open');
    for (const { to } of next.get(file) ?? []) visit(to, [...path, file]);
    state.set(file, 'done');
  };
  for (const { from } of all) visit(from, []);
  return circles;
}

/** The rooms of a layer in the order of their imports: each imports itself, those before it, and the layer's own files. */
const ROOMS: Record<string, readonly string[]> = {
  sources: ['qmp', 'libvirt', 'files', 'accept'],
  jobs: ['model', 'tracking', 'commands'],
  gateway: ['wire', 'fan-out', 'session', 'http'],
  cli: ['verbs', 'top', 'cluster', 'pages'],
  conformance: ['clauses'],
};

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
      return (
        layerOf(from) !== layer &&
        !['.', 'clock', 'broadcast', 'socket-file', 'tls', 'protocol'].includes(layer) &&
        !/\/(index|node|rx)\.ts$/.test(to)
      );
    });
    expect(around).toEqual([]);
  });

  it.each(Object.entries(ROOMS))('%s: a room imports only those before it', (layer, rooms) => {
    const roomOf = (file: string): number => rooms.indexOf(file.split('/')[2] ?? '');
    const within = files.filter((file) => layerOf(file) === layer);
    const folders = within.filter((file) => file.split('/').length > 3);
    expect(folders.filter((file) => roomOf(file) < 0)).toEqual([]);
    const wrong = folders.flatMap(edgesOf).filter(({ from, to }) => layerOf(to) === layer && roomOf(to) > roomOf(from));
    expect(wrong).toEqual([]);
  });

  it('have no circle of imports, of types neither', () => {
    expect(circlesIn(edges)).toEqual([]);
  });

  it('ask the process for time, timers and randomness in few files; sources, jobs, log, history, webhooks and gateway in src/clock.ts alone', () => {
    const ambient =
      /\b(performance\.now|Date\.now|Math\.random|random(Bytes|UUID)|set(Timeout|Immediate|Interval)|timers\/promises)\b|\bnew Date\(\)/;
    const timers = /import \{[^}]*\b(timer|interval|delay|debounceTime|throttleTime)\b[^}]*\} from 'rxjs'/;
    const asks = (text: string): boolean => ambient.test(text) || timers.test(text);
    // `cli` and `demo` are programs: they use the clock of the process.
    const held = files.filter((file) => !['cli', 'demo'].includes(layerOf(file)));
    expect(held.filter((file) => asks(readFileSync(file, 'utf8'))).sort()).toEqual([
      'src/client/runtime.ts',
      'src/client/rx.ts',
      'src/clock.ts',
      'src/conformance/timer.ts',
      'src/qmp/monitor.ts',
      'src/qmp/session.ts',
      'src/simulator/clock.ts',
      'src/simulator/monitor.ts',
    ]);
  });

  it('load NATS only when a cluster is asked for', () => {
    const loads = files.filter((file) =>
      /^(import|export) (?!type\b)[^;]*? from '@nats-io\//m.test(readFileSync(file, 'utf8')),
    );
    expect(loads).toEqual([]);
  });

  it('start a command of clients without the layers of the gateway', () => {
    const STATIC = /^(?:import|export) (?!type\b)(?:[^;]*? from )?'([^']+)'/gm;
    const reached = new Set(['src/cli/main.ts']);
    for (const file of reached)
      for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(STATIC))
        if (path.startsWith('.')) reached.add(sourceOf(file, path));
    expect([...new Set([...reached].map(layerOf))].sort()).toEqual(['.', 'cli', 'client', 'protocol']);
  });

  it('leave the wire free of every dependency', () => {
    const wire = files.filter((file) => BARE.some((name) => file === `src/protocol/${name}.ts`));
    expect(wire).toHaveLength(BARE.length);
    expect(wire.flatMap(importsOf).filter((path) => !/^\.\.?\//.test(path))).toEqual([]);
    const client = files.filter((file) => file.startsWith('src/client/') && !/\/(node|rx|file-store)\.ts$/.test(file));
    expect(client.flatMap(importsOf).filter((path) => !path.startsWith('.'))).toEqual([]);
  });
});

describe('the dashboard', () => {
  it('has the gateway by its published names alone', () => {
    // The stand-in for a gateway (`demo-client/mock`) is that of the client's tests.
    const own = pages.filter((file) => file.startsWith('demo-client/src/'));
    const named = own.flatMap(importsOf).filter((path) => path.startsWith('qmp-gateway'));
    expect([...new Set(named)].sort()).toEqual(['qmp-gateway/client', 'qmp-gateway/protocol']);
    const around = own.flatMap(edgesOf).filter(({ to }) => !to.startsWith('demo-client/'));
    expect(around).toEqual([]);
  });

  it('decides in its model, which knows no view, no page and no connection', () => {
    const upward = pages
      .filter((file) => file.startsWith('demo-client/src/model/'))
      .flatMap(edgesOf)
      .filter(({ to }) => !to.startsWith('demo-client/src/model/'));
    expect(upward).toEqual([]);
    const views = pages.filter((file) => file.startsWith('demo-client/src/') && !file.includes('/view/'));
    const drawn = views.flatMap(edgesOf).filter(({ to }) => to.includes('/view/'));
    expect(drawn.filter(({ from }) => from !== 'demo-client/src/main.tsx')).toEqual([]);
  });

  it('keeps what it knows of the gateway apart from what the browser has, and both from the views', () => {
    const below = (room: string) =>
      pages.filter((file) => file.startsWith(`demo-client/src/${room}/`)).flatMap(edgesOf);
    for (const room of ['gateway', 'page']) {
      const outside = below(room).filter(({ to }) => !new RegExp(`^demo-client/src/(model|${room})/`).test(to));
      expect(outside).toEqual([]);
    }
  });

  it('has no circle of imports, of types neither', () => {
    expect(circlesIn(pages.flatMap(edgesOf))).toEqual([]);
  });
});

describe('the files', () => {
  it('stay below 300 lines, but for what is generated, and open by saying what they are', () => {
    const written = [...files, ...pages].filter((file) => !file.includes('/generated/'));
    const long = written.filter((file) => readFileSync(file, 'utf8').split('\n').length > 301);
    expect(long).toEqual([]);
    const mute = [...files, ...pages].filter((file) => !/^(#!.*\n)?\/\//.test(readFileSync(file, 'utf8')));
    expect(mute.filter((file) => !/\/(exit)\.ts$/.test(file))).toEqual([]);
  });
});
