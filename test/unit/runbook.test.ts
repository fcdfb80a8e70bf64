import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/model/errors.js';

const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
const codes = Object.keys(catalogue);
const chapter = runbook.slice(runbook.indexOf('\n## Error codes\n'));
const entries = chapter.split(/^### /m).slice(1);
const headings = entries.map((entry) => entry.slice(0, entry.indexOf('\n')));

describe('the runbook', () => {
  it('has a heading for every error code of the catalogue', () => {
    expect(codes.filter((code) => !headings.includes(code))).toEqual([]);
  });

  it('names no error code that does not exist', () => {
    expect(headings.filter((heading) => !codes.includes(heading))).toEqual([]);
  });

  it('names each code once, in the order of the catalogue', () => {
    expect(headings).toEqual(codes);
  });

  it('tells for every code what happened, how the target stands, and what to do', () => {
    const silent = entries.filter((entry) =>
      ['- **What happened.**', '- **Target.**', '- **Do.**'].some((part) => !entry.includes(part)),
    );
    expect(silent.map((entry) => entry.slice(0, entry.indexOf('\n')))).toEqual([]);
  });
});
