// Makes a release: node packaging/release.mjs X.Y.Z [--dry-run] [--commit] [--no-deb] [--out FOLDER]
// Refuses a dirty tree, a version that is not greater, and a CHANGELOG with nothing under Unreleased. Bumps the version, dates the CHANGELOG, packs, and
// prints the git commands that remain; --commit runs those that concern this clone alone. After a failure the files are as before.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/;
const FILES = ['package.json', 'package-lock.json', 'CHANGELOG.md'];

class Refused extends Error {}

const read = (file) => readFileSync(join(root, file), 'utf8');
const run = (program, ...args) =>
  execFileSync(program, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** Whether `a` is greater than `b`. */
function isGreater(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  const at = left.findIndex((part, index) => part !== right[index]);
  return at >= 0 && left[at] > right[at];
}

/** The CHANGELOG with its section Unreleased under this version, and an empty one before it. */
function dated(changelog, version, date) {
  const [, entries = ''] = /^## Unreleased\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(changelog) ?? [];
  if (!/^- /m.test(entries)) throw new Refused('CHANGELOG.md has no entries under Unreleased');
  return changelog.replace('## Unreleased\n', `## Unreleased\n\n## ${version} - ${date}\n`);
}

/** The new text of each file. */
function bumped(version) {
  const before = JSON.parse(read('package.json')).version;
  if (!isGreater(version, before)) throw new Refused(`${version} is not greater than ${before}`);
  const lock = JSON.parse(read('package-lock.json'));
  lock.version = version;
  lock.packages[''].version = version;
  return {
    'package.json': read('package.json').replace(`"version": "${before}"`, `"version": "${version}"`),
    'package-lock.json': `${JSON.stringify(lock, undefined, 2)}\n`,
    'CHANGELOG.md': dated(read('CHANGELOG.md'), version, new Date().toISOString().slice(0, 10)),
  };
}

function pack(out, withDeb) {
  mkdirSync(out, { recursive: true });
  // `prepare` builds first.
  run('npm', 'pack', '--silent', '--pack-destination', out);
  if (!withDeb) return;
  if (spawnSync('dpkg-deb', ['--version']).status === 0)
    console.log(run('node', 'packaging/build-deb.mjs', out).trim());
  else console.log('no dpkg-deb here: no Debian package');
}

function release(version, { 'dry-run': dryRun, commit, 'no-deb': noDeb, out }) {
  if (!VERSION.test(version))
    throw new Refused('usage: node packaging/release.mjs X.Y.Z [--dry-run] [--commit] [--no-deb] [--out FOLDER]');
  const dirty = run('git', 'status', '--porcelain').trim();
  if (dirty !== '') throw new Refused(`the tree is not clean:\n${dirty}`);
  const texts = bumped(version);
  const commands = [
    ['git', 'commit', '-am', `Release ${version}`],
    ['git', 'tag', '-a', `v${version}`, '-m', version],
  ];
  const shown = commands.map((words) => words.map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(' '));
  if (dryRun) {
    console.log(`would write ${FILES.join(', ')} for ${version}, pack into ${out}, and leave to do:`);
    return console.log([...shown, `git push origin HEAD v${version}`].join('\n'));
  }
  try {
    for (const file of FILES) writeFileSync(join(root, file), texts[file]);
    pack(resolve(out), !noDeb);
  } catch (error) {
    run('git', 'checkout', '--', ...FILES);
    throw error;
  }
  if (commit) for (const [program, ...args] of commands) run(program, ...args);
  const tarball = join(out, `qmp-gateway-${version}.tgz`);
  const left = [...(commit ? [] : shown), `git push origin HEAD v${version}`, `npm publish ${tarball}`];
  console.log(`${version} is in ${out}. What remains:\n${left.join('\n')}`);
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'dry-run': { type: 'boolean', default: false },
      commit: { type: 'boolean', default: false },
      'no-deb': { type: 'boolean', default: false },
      out: { type: 'string', default: 'release' },
    },
  });
  release(positionals[0] ?? '', values);
} catch (error) {
  console.error(error instanceof Refused ? error.message : error);
  process.exitCode = 1;
}
