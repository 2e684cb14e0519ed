// What one QEMU says of its own QMP: the reply to query-qmp-schema, from a process that is started for it or from a file.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';

const ARGUMENTS = {
  'qemu-system-x86_64': ['-machine', 'none', '-qmp', 'stdio', '-display', 'none'],
  'qemu-storage-daemon': ['--chardev', 'stdio,id=c', '--monitor', 'chardev=c'],
};

/** @returns {Promise<{label: string, version: string, types: Map<string, object>, roots: object[]}>} */
export async function readSchema(given) {
  const { program, version, schema } = given.endsWith('.json')
    ? JSON.parse(readFileSync(given, 'utf8'))
    : await ask(given);
  const isRoot = (entity) => entity['meta-type'] === 'command' || entity['meta-type'] === 'event';
  return {
    label: `${program} ${version}`,
    version,
    types: new Map(schema.filter((entity) => !isRoot(entity)).map((entity) => [entity.name, entity])),
    roots: schema.filter(isRoot),
  };
}

async function ask(commandLine) {
  const [command, ...before] = commandLine.split(' ');
  const program = basename([command, ...before].pop());
  if (!(program in ARGUMENTS)) throw new Error(`${program}: known are ${Object.keys(ARGUMENTS).join(' and ')}`);
  const qemu = spawn(command, [...before, ...ARGUMENTS[program]], { stdio: ['pipe', 'pipe', 'inherit'] });
  const failed = new Promise((_, reject) => qemu.once('error', reject));
  try {
    qemu.stdin.write('{"execute":"qmp_capabilities"}\n{"execute":"query-qmp-schema"}\n');
    return await Promise.race([read(qemu.stdout, program), failed]);
  } finally {
    // Not before the reply is read: a QEMU that quits drops what it has not written.
    qemu.stdin.end('{"execute":"quit"}\n');
  }
}

async function read(stdout, program) {
  let version = '';
  for await (const line of createInterface(stdout)) {
    const message = JSON.parse(line);
    const { major, minor } = message.QMP?.version.qemu ?? {};
    if (message.QMP) version = `${major}.${minor}`;
    if (Array.isArray(message.return)) return { program, version, schema: message.return };
  }
  throw new Error(`${program}: no schema`);
}
