// A question before something is changed. Where nobody can answer, it is an error that names the flag.

import { createInterface } from 'node:readline/promises';
import { FerryError } from '../../model/errors.js';
import type { Output } from './output.js';

export async function isAgreed(output: Output, shown: readonly string[], question: string): Promise<boolean> {
  for (const line of shown) output.say(line);
  if (!process.stdin.isTTY)
    throw new FerryError('InvalidInput', 'Nothing was changed, because there is no terminal to ask on', {
      remedy: 'Add `--yes` to do it without being asked.',
    });
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await asked.question(`${question} [y/N] `)).trim());
  } finally {
    asked.close();
  }
}
