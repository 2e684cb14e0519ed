// Owners and edges over a real NATS server, with simulated monitors: one log on every edge, commands from every edge, and sources that change their owner.
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { Simulator } from '../../../src/simulator/index.js';
import { startApp, type TestApp } from '../../support/app.js';
import { newFolder } from '../../support/folder.js';
import { type NatsServer, startNats } from '../../support/nats-server.js';
import { required } from '../../support/required.js';
import type { Wire } from '../../support/wire.js';

let nats: NatsServer;
let count = 0;
