// What is being done and for how long, on stderr: one line that is written over on a terminal, and elsewhere a line when
// it changes and every ten seconds.

import { seconds } from './formatting.js';
import type { Output } from './output.js';

const LINE_EVERY_MS = 10_000;
/** Shorter work needs no word. */
const QUIET_MS = 1_500;

export interface ElapsedDisplay {
  show(what: string): void;
  /** A line that stays. */
  say(line: string): void;
  stop(): void;
}

export function createElapsedDisplay(output: Output): ElapsedDisplay {
  const began = Date.now();
  let shown = '';
  let shownAt = 0;
  let width = 0;
  const wipe = () => {
    if (width > 0) process.stderr.write(`\r${' '.repeat(width)}\r`);
    width = 0;
  };
  const show = (what: string) => {
    const now = Date.now();
    if (now - began < QUIET_MS) return;
    const line = `${what === '' ? 'waiting' : what}: ${seconds(Math.round((now - began) / 1_000))}`;
    if (output.terminal) {
      wipe();
      process.stderr.write(line);
      width = line.length;
    } else if (what !== shown || now - shownAt >= LINE_EVERY_MS) {
      output.say(line);
      shownAt = now;
    }
    shown = what;
  };
  const say = (line: string) => {
    wipe();
    output.say(line);
  };
  return { show, say, stop: wipe };
}
