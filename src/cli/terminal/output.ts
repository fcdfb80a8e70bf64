// Where the command's words go: results to stdout, everything else to stderr. With --json stdout gets exactly one
// JSON document, so `result` writes once and says nothing more.

import { createPaint, wantsColor, type Paint } from './paint.js';

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
