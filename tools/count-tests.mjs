// "N passed, N failed, N skipped", from the JSON report of vitest. No report, no figures.

import { readFileSync } from 'node:fs';

const text = readFileSync(process.argv[2], 'utf8');
if (text.trim() === '') {
  process.stderr.write('the tests did not get as far as a report\n');
  process.exit(1);
}
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(text);
process.stdout.write(
  `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped\n`,
);
