// Once in a process, before anything of the SDK is used: logs to stderr, metrics where asked.

import { DefaultLogger, Runtime, type LogLevel } from '@temporalio/worker';
import { FerryError } from '../model/errors.js';

export interface WorkerRuntimeOptions {
  /** Prometheus metrics on this port, path /metrics. */
  metricsPort?: number;
  logLevel?: LogLevel;
}

export function installRuntime(options: WorkerRuntimeOptions): void {
  try {
    install(options);
  } catch (error) {
    // The SDK's message has the reason, but not the port.
    if (options.metricsPort === undefined || !String(error).includes('metrics exporter')) throw error;
    const happened = `The metrics cannot be served on port ${options.metricsPort}: ${reasonOf(error)}`;
    throw new FerryError('InvalidConfig', `${happened}. Choose a free port with --metrics-port`, {
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  return String(error).split(': ').at(-1) ?? '';
}

function install(options: WorkerRuntimeOptions): void {
  Runtime.install({
    logger: new DefaultLogger(options.logLevel ?? 'WARN', ({ level, timestampNanos, message, meta }) => {
      const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
      const details = meta === undefined ? '' : ` ${JSON.stringify(meta, plainErrors)}`;
      process.stderr.write(`${time} ${level} ${message}${details}\n`);
    }),
    telemetryOptions: {
      // By default the SDK's native part writes to stdout, which belongs to results.
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      ...(options.metricsPort === undefined
        ? {}
        : { metrics: { prometheus: { bindAddress: `0.0.0.0:${options.metricsPort}` } } }),
    },
  });
}

function plainErrors(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Error ? (value.stack ?? value.message) : value;
}
