// "N passed, N failed, N skipped", from the JSON report of vitest. No report, no figures.

import { readFileSync } from 'node:fs';

const text = readFileSync(process.argv[2], 'utf8');
if (text.trim() === '') {
  process.stderr.write('the tests did not get as far as a report\n');
  process.exit(1);
}
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(text);
// A file that fails before its first test counts no test.
for (const { name, status, assertionResults } of testResults) {
  if (status === 'failed' && assertionResults.length === 0)
    process.stderr.write(`could not be run: ${name}\n`);
}
process.stdout.write(
  `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped\n`,
);
