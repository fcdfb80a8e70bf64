import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/model/error-catalogue.js';

const PARTS = ['- **What happened.**', '- **State.**', '- **Do.**', '- **Message.**'];

const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
const chapter = runbook.slice(runbook.indexOf('\n## Error codes\n'));
const entries = chapter.split(/^### /m).slice(1);
const heading = (entry: string) => entry.slice(0, entry.indexOf('\n'));
const headings = entries.map(heading);

describe('the runbook', () => {
  it('has a heading for every error code of the catalogue', () => {
    expect(Object.keys(catalogue).filter((code) => !headings.includes(code))).toEqual([]);
  });

  it('has no heading for an error code that does not exist', () => {
    expect(headings.filter((code) => !Object.hasOwn(catalogue, code))).toEqual([]);
  });

  it('has one heading for each code', () => {
    expect(headings.filter((code, at) => headings.indexOf(code) !== at)).toEqual([]);
  });

  it('describes for every code what happened, what state things are in, what to do, and a message', () => {
    const silent = entries.filter((entry) => PARTS.some((part) => !entry.includes(part)));
    expect(silent.map(heading)).toEqual([]);
  });
});
