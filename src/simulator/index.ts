// simulator: a QMP server that behaves as QEMU does.
export { type Clock, systemClock } from './clock.js';
export type { SentMessage } from './conversation.js';
export { type DemoOptions, runDemoJobs } from './demo.js';
export type { Faults } from './faults.js';
export type { JobRow, Jobs } from './job-control.js';
export { LACKS, LACKS_OF_2_11, type Lack, type Version } from './lacks.js';
export type { ErrorAction, Int, JobSpec, Operation, QmpError, Traits } from './model.js';
export type { Listen } from './monitor.js';
export type { NodeTraits } from './nodes.js';
export { type Simulator, type SimulatorOptions, startSimulator } from './simulator.js';
export type { ErrorStorm, EventStorm, Storm } from './storm.js';
