// `simulate`: a simulated QEMU monitor, for hosts without QEMU.
import type { Command } from 'commander';
import { CliError, EXIT } from './exit.js';
import { print } from './output.js';
import { stopSignal } from './signals.js';

export function addSimulate(program: Command): void {
  program
    .command('simulate')
    .description('a simulated QEMU monitor, with demo jobs')
    .argument('<uri>', 'where it listens: unix:/path or tcp:HOST:PORT')
    .option('--idle', 'no demo jobs: only what QMP commands start')
    .option('--pretty', 'answer as a monitor with pretty=on')
    .option(
      '--lacks <what...>',
      'what an older QEMU lacks: query-jobs, status-events, cancelled-events, completed-events, async-cancel, query-events',
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ qmp-gateway simulate unix:/tmp/sim.qmp & qmp-gateway serve --source sim=unix:/tmp/sim.qmp',
    )
    .action(async (uri: string, options: { idle?: boolean; pretty?: boolean; lacks?: string[] }) => {
      const [{ LACKS, runDemoJobs, startSimulator }, { parseSource }] = await Promise.all([
        import('../simulator/index.js'),
        import('../sources/index.js'),
      ]);
      const parsed = parseSource(`simulated=${uri}`);
      const lacks = LACKS.filter((each) => options.lacks?.includes(each));
      const unknown = options.lacks?.find((each) => !(LACKS as readonly string[]).includes(each));
      if (unknown !== undefined)
        throw new CliError(EXIT.usage, `--lacks ${unknown}: expected one of ${LACKS.join(', ')}`);
      if (!parsed.ok || !('source' in parsed) || parsed.source.kind !== 'qmp')
        throw new CliError(EXIT.usage, `${uri}: expected unix:/path or tcp:HOST:PORT`);
      const { address } = parsed.source;
      const listen = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
      const simulator = await startSimulator({ listen, lacks, ...(options.pretty && { pretty: true }) }).catch(
        (error: unknown) => {
          throw new CliError(
            EXIT.usage,
            `can't listen at ${uri}: ${error instanceof Error ? error.message : String(error)}`,
            { cause: error },
          );
        },
      );
      const stop = options.idle ? () => undefined : runDemoJobs(simulator);
      print(`simulated QEMU at ${uri}`);
      await stopSignal();
      stop();
      await simulator.close();
    });
}
