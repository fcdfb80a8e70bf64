import { fileURLToPath } from 'node:url';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { RunWorkerOptions } from '../worker.js';
import { type GlobalOptions, addExample } from './terminal/output.js';

type Role = 'control' | 'data' | 'all';

interface WorkerCommandOptions extends GlobalOptions {
  role: Role;
  queue?: string[];
  slots?: number;
  metricsPort?: number;
  readyFile?: string;
}

export function registerWorker(program: Command): void {
  const command = program
    .command('worker')
    .description(
      'run a worker until SIGTERM: control (workflows and short activities), data (copying, comparing, shards), or both',
    )
    .addOption(
      new Option('--role <role>', 'role of the worker; all runs both, as two processes')
        .choices(['control', 'data', 'all'])
        .default('all'),
    )
    .option('--queue <name...>', 'queues of the data worker (default: ferry-data and those in ferry.yaml)')
    .option('--slots <number>', 'data activities at the same time (default: 4)', positive)
    .option(
      '--metrics-port <port>',
      'Prometheus metrics on this port; with all, data takes the next one',
      positive,
    )
    .option('--ready-file <file>', 'file to write the pid to once the worker polls');
  addExample(command, 'ferry worker --role data --queue ferry-data-disk');
  command.action(async () => {
    const options = command.optsWithGlobals<WorkerCommandOptions>();
    // The SDK's worker is heavy: other commands do without it.
    if (options.role === 'all') {
      const { superviseWorkers } = await import('../worker/supervise-workers.js');
      await superviseWorkers((role) => childArguments(role, options));
    } else {
      const { runWorker } = await import('../worker.js');
      await runWorker(workerOptions(options.role, options));
    }
  });
}

function workerOptions(role: 'control' | 'data', options: WorkerCommandOptions): RunWorkerOptions {
  return {
    role,
    ...(options.config === undefined ? {} : { config: options.config }),
    ...(options.queue === undefined ? {} : { queues: options.queue }),
    ...(options.slots === undefined ? {} : { slots: options.slots }),
    ...(options.metricsPort === undefined ? {} : { metricsPort: options.metricsPort }),
    ...(options.readyFile === undefined ? {} : { readyFile: options.readyFile }),
  };
}

function childArguments(role: 'control' | 'data', options: WorkerCommandOptions): string[] {
  const { config, queue, slots, metricsPort, readyFile } = options;
  const given: [string, string | number | undefined][] = [
    ['--config', config],
    ['--slots', slots],
    ['--metrics-port', metricsPort === undefined ? undefined : metricsPort + (role === 'data' ? 1 : 0)],
    ['--ready-file', readyFile === undefined ? undefined : `${readyFile}.${role}`],
  ];
  const cli = fileURLToPath(new URL('../cli.js', import.meta.url));
  return [
    ...[cli, 'worker', '--role', role],
    ...given.flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)])),
    ...(queue ?? []).flatMap((name) => ['--queue', name]),
  ];
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be an integer above 0.');
  return value;
}
