// Options that every command has.

import type { Command } from 'commander';
import { createOutput, type Output } from './output.js';

export interface GlobalOptions {
  config?: string;
  json?: boolean;
  color?: boolean;
}

export function addGlobalOptions(program: Command): Command {
  return program
    .option('--config <file>', 'ferry.yaml (default: FERRY_CONFIG, ./ferry.yaml, the local stack)')
    .option('--json', 'exactly one JSON document on stdout')
    .option('--no-color', 'plain text');
}

export function outputOf(options: GlobalOptions): Output {
  return createOutput(options);
}

export function setExitCode(code: number): void {
  process.exitCode = code;
}
