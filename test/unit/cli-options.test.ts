import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { inputDescriptions } from '../../src/cli/terminal/input-descriptions.js';
import { addInputOptions, inputFields, inputFrom } from '../../src/cli/terminal/input-options.js';
import { workflowLink } from '../../src/cli/temporal.js';
import {
  parseInput,
  scrollMigrationSchema,
  verifyCollectionsSchema,
} from '../../src/model/contracts/inputs.js';
import { jobId } from '../../src/model/names.js';

function inputOf(...argv: string[]): Record<string, unknown> {
  const command = addInputOptions(new Command('migrate').exitOverride(), scrollMigrationSchema);
  command.parse(argv, { from: 'user' });
  return inputFrom(command, scrollMigrationSchema, { source: 'a', target: 'b', collections: [] });
}

describe('the flags of a job', () => {
  it.each([
    ['scrollMigration', scrollMigrationSchema],
    ['verifyCollections', verifyCollectionsSchema],
  ])('describe every field of %s', (_, schema) => {
    const fields = Object.keys(inputFields(schema));
    expect(fields.filter((field) => inputDescriptions[field] === undefined)).toEqual([]);
  });

  it('leave out of the input what the user did not say', () => {
    expect(inputOf()).toEqual({ source: 'a', target: 'b' });
  });

  it('reach the input under the names of the schema, and pass its check', () => {
    const input = inputOf(
      ...['--max-points-per-second', '4_000', '--slices', '2', '--no-await-indexing', '--copy-aliases'],
      ...[
        '--on-existing',
        'recreate',
        '--as',
        'docs=docs2',
        '--as',
        'x=y',
        '--overrides',
        '{"on_disk":true}',
      ],
    );
    expect(input).toEqual({
      source: 'a',
      target: 'b',
      maxPointsPerSecond: 4_000,
      slices: 2,
      awaitIndexing: false,
      copyAliases: true,
      onExisting: 'recreate',
      as: { docs: 'docs2', x: 'y' },
      overrides: { on_disk: true },
    });
    expect(() => parseInput(scrollMigrationSchema, input)).not.toThrow();
  });

  it('take one other name as it is', () => {
    expect(inputOf('--as', 'copy')['as']).toBe('copy');
  });
});

describe('the id of a job', () => {
  it('needs no quoting in a shell and no escaping in a URL', () => {
    const id = jobId('migrate', 'prod', 'new eu>1', {
      at: new Date('2026-03-04T05:06:07.089Z'),
      nonce: '3f2a',
    });
    expect(id).toBe('migrate/prod-to-new_eu_1/2026-03-04-050607089-3f2a');
    expect(id).toMatch(/^[A-Za-z0-9._/-]+$/);
  });
});

describe('the link to the Temporal UI', () => {
  it('escapes the id', () => {
    const link = workflowLink('127.0.0.1:7233', 'default', 'ferry/b/ä', 'http://localhost:9000/');
    expect(link).toBe('http://localhost:9000/namespaces/default/workflows/ferry%2Fb%2F%C3%A4');
  });

  it('guesses where a dev server and Temporal Cloud have their UI', () => {
    expect(workflowLink('127.0.0.1:7233', 'default', 'x')).toMatch(/^http:\/\/127\.0\.0\.1:8233\//);
    expect(workflowLink('ns.acct.tmprl.cloud:7233', 'ns.acct', 'x')).toMatch(
      /^https:\/\/cloud\.temporal\.io\//,
    );
  });
});
