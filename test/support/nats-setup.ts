// A NATS server for all tests of a project; without one they run on a log in memory, and one line says so.
import type { TestProject } from 'vitest/node';
import { startNats } from './nats-server.js';
import { have } from './required.js';

declare module 'vitest' {
  export interface ProvidedContext {
    nats: string | undefined;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!have('nats-server', 'REQUIRE_NATS')) return undefined;
  const server = await startNats();
  project.provide('nats', server.url);
  return server.stop;
}
