// The pages for people name only what there is: links, headings, files, scripts.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'demo-client/README.md'].concat(
  readdirSync('docs', { recursive: true, encoding: 'utf8' })
    // The reference is generated, and its generator checks its links.
    .filter((file) => file.endsWith('.md') && !file.startsWith('api/'))
    .map((file) => `docs/${file}`),
);
const read = (page: string): string => readFileSync(page, 'utf8');
const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((match) => match[1] ?? '').filter((found) => found !== '');

/** As code hosts name the anchor of a heading. */
const anchorsOf = (page: string): string[] =>
  matches(read(page), /^#+ (.+)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-'),
  );

describe.each(pages)('%s', (page) => {
  it('links to pages, pictures and headings that exist', () => {
    const links = [...matches(read(page), /\]\(([^)\s]+)\)/g), ...matches(read(page), /src="([^"]+)"/g)];
    const broken = links
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? page : join(dirname(page), path);
        return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
      });
    expect(broken).toEqual([]);
  });

  it('names scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = matches(read(page), /npm run ([\w:]+)/g);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('names files and folders that exist', () => {
    // `jobs/model/outcome` is `src/jobs/model/outcome.ts`, `stream/slow` a test; a path from the root or from the page stands as it is.
    const layers = readdirSync('src').filter((name) => !name.includes('.'));
    const named = matches(read(page), /`((?:[\w.-]+\/)+[\w.-]*)`/g).filter((path) =>
      ['src', 'test', 'docs', 'demo-client', 'bench', 'examples', ...layers].includes(path.split('/')[0] ?? ''),
    );
    const places = (path: string): string[] =>
      ['', 'src/', 'test/', 'test/integration/', `${dirname(page)}/`].flatMap((root) =>
        ['', '.ts', '.test.ts'].map((end) => root + path + end),
      );
    expect(named.filter((path) => !places(path).some((place) => existsSync(place)))).toEqual([]);
  });
});

it('docs/OPERATIONS.md says of every reason of a source what helps, and has a row for every setting', () => {
  const [, union = ''] = /export type DownReason =([^;]+);/.exec(read('src/protocol/types.ts')) ?? [];
  const reasons = matches(union, /'([\w-]+)'/g);
  expect(reasons).toContain('stalled');
  const rows = read('docs/OPERATIONS.md').match(/^\| .+ \|$/gm) ?? [];
  const named = rows.flatMap((row) => matches(row.split(' | ')[0] ?? '', /`([^`]+)`/g));
  expect(reasons.filter((reason) => !named.includes(reason))).toEqual([]);
  const flags = matches(read('src/cli/serve.ts'), /'(--[\w-]+)/g);
  expect(flags).toContain('--discover');
  expect(flags.filter((flag) => !named.some((each) => each.split(' ')[0] === flag))).toEqual(['--json']);
});
