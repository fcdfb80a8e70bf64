// Where the command's output goes: results to stdout, everything else to stderr. With --json stdout gets exactly one
// JSON document. Also the options that every command has.

import { setMaxListeners } from 'node:events';
import type { Command } from 'commander';
import { styleText } from 'node:util';

export interface Output {
  readonly json: boolean;
  readonly paint: Paint;
  /** True when a person watches stderr. */
  readonly terminal: boolean;
  /** The result: `document` with --json, `lines` otherwise. */
  result(document: unknown, lines: readonly string[]): void;
  /** A line for the person who watches. */
  say(line: string): void;
}

export function createOutput(options: { json?: boolean; color?: boolean }): Output {
  const json = options.json ?? false;
  let written = false;
  return {
    json,
    paint: createPaint(wantsColor(process.stderr, options.color ?? true, process.env['NO_COLOR'])),
    terminal: Boolean(process.stderr.isTTY),
    result(document, lines) {
      if (written) return;
      written = true;
      process.stdout.write(
        json ? `${JSON.stringify(document)}\n` : lines.map((line) => `${line}\n`).join(''),
      );
    },
    say: (line) => process.stderr.write(`${line}\n`),
  };
}

const STYLES = ['bold', 'dim', 'green', 'red', 'yellow'] as const;
export type Paint = Record<(typeof STYLES)[number], (text: string) => string>;

export function createPaint(enabled: boolean): Paint {
  const painted = STYLES.map((style) => [
    style,
    (text: string) => (enabled ? styleText(style, text, { validateStream: false }) : text),
  ]);
  return Object.fromEntries(painted) as Paint;
}

/** NO_COLOR, --no-color and pipes turn colours off. */
export function wantsColor(stream: { isTTY?: boolean }, flag: boolean, noColor: string | undefined): boolean {
  return flag && Boolean(stream.isTTY) && (noColor === undefined || noColor === '');
}

export interface GlobalOptions {
  config?: string;
  json?: boolean;
  color?: boolean;
}

export function addGlobalOptions(program: Command): Command {
  return program
    .option('--config <file>', 'ferry.yaml (default: FERRY_CONFIG, ./ferry.yaml, the local stack)')
    .option('--json', 'print exactly one JSON document to stdout')
    .option('--no-color', 'print without colours');
}

/** An example below the command's help. */
export function addExample(command: Command, example: string): Command {
  return command.addHelpText('after', `\nExample:\n  ${example}`);
}

export function outputOf(options: GlobalOptions): Output {
  return createOutput(options);
}

export function setExitCode(code: number): void {
  process.exitCode = code;
}

/** Ctrl-C stops the watching; a second one ends the command at once. */
export function stopOnInterrupt(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  // Many requests at once under one signal are no leak.
  setMaxListeners(0, controller.signal);
  const stop = () => controller.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const release = () => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  };
  return { signal: controller.signal, release };
}
