// A gateway that listens beyond loopback logs at start which requests it will refuse.
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { start } from '../../../src/app.js';
import { readConfig } from '../../../src/config/index.js';

it.each([
  ['0.0.0.0:0', [], true],
  ['0.0.0.0:0', ['gw.example'], false],
  ['127.0.0.1:0', [], false],
])('--listen %s with --allow-host %j: warns %s', async (listen, allowHost, warns) => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const read = readConfig({ listen, allowHost, insecureNoAuth: true, source: ['vm1=unix:/nowhere'] }, {});
  if (!read.ok) throw new Error(read.problems.join());
  const app = await start(read.config, pino({ level: 'warn' }, sink));
  onTestFinished(() => app.close());
  expect(lines.some((line) => line.includes('--allow-host'))).toBe(warns);
});
