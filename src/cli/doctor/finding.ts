// One thing the doctor looked at.

import { errorDocument } from '../terminal/exit-codes.js';
import type { Paint } from '../terminal/output.js';

export interface Finding {
  ok: boolean;
  /** All is well, and yet somebody should know. */
  warns?: true;
  what: string;
  says: string;
}

export function findingLine(paint: Paint): (finding: Finding) => string {
  const sign = ({ ok, warns }: Finding) => {
    if (!ok) return paint.red('✗');
    return warns ? paint.yellow('!') : paint.green('✓');
  };
  return (finding) => `${sign(finding)} ${finding.what}: ${finding.says}`;
}

/** What `look` says, or why it could not. */
export async function examine(what: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { ok: true, what, says: await look() };
  } catch (error) {
    return { ok: false, what, says: errorDocument(error).error.message };
  }
}
