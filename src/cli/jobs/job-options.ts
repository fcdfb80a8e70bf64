// The flags that every job command has, besides those of its input.

import { Option, type Command } from 'commander';
import type { GlobalOptions } from '../terminal/global-options.js';

export interface JobOptions {
  id?: string | undefined;
  detach: boolean;
  standalone: boolean;
  configPath?: string | undefined;
}

export type JobCommandOptions = GlobalOptions & { input?: string } & Partial<Omit<JobOptions, 'configPath'>>;

export function addJobOptions(command: Command): Command {
  const standalone =
    'with a Temporal server and workers of its own, for this command alone (on 127.0.0.1, open to other users of this machine)';
  return command
    .option('--id <workflow id>', 'id of the workflow (default: made from the aliases and the time)')
    .option('--detach', 'start it, print its id and its link, and leave')
    .addOption(new Option('--standalone', standalone).conflicts('detach'));
}

export function jobOptionsOf(options: JobCommandOptions): JobOptions {
  const { id, detach = false, standalone = false, config: configPath } = options;
  return { id, detach, standalone, configPath };
}
