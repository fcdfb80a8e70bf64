import { describe, expect, it } from 'vitest';
import { collectionsMeant, leaveOutReserved } from '../../src/backups/capture/resolve-backup.js';
import { isSelected, isUnnamed, matchesName } from '../../src/model/name-patterns.js';

describe('a pattern', () => {
  it('knows * and ?, and takes everything else as it is written', () => {
    expect(matchesName('docs-*', 'docs-2026')).toBe(true);
    expect(matchesName('docs-?', 'docs-12')).toBe(false);
    expect(matchesName('a.b*', 'axb')).toBe(false);
    expect(matchesName('a[1]*', 'a[1]z')).toBe(true);
    expect(matchesName('*', 'line\nbreak')).toBe(true);
  });

  it('selects, less what is excluded', () => {
    const selection = { collections: ['docs-*', 'news'], exclude: ['*-tmp'] };
    const names = ['docs-a', 'docs-tmp', 'news', 'other'];
    expect(names.filter((name) => isSelected(selection, name))).toEqual(['docs-a', 'news']);
    expect(names.filter((name) => isSelected({ exclude: ['*-tmp'] }, name))).toEqual([
      'docs-a',
      'news',
      'other',
    ]);
  });

  it('asks for no collection by its name', () => {
    expect(isUnnamed({}, 'docs')).toBe(true);
    expect(isUnnamed({ collections: ['d*'] }, 'docs')).toBe(true);
    expect(isUnnamed({ collections: ['d*', 'docs'] }, 'docs')).toBe(false);
    // Behind a Qdrant alias.
    expect(isUnnamed({ collections: ['current'] }, 'docs')).toBe(false);
  });
});

describe('the collections of a backup', () => {
  const aliases = [
    { alias: 'docs', collection: 'docs_20261120_020000' },
    { alias: 'current', collection: 'news' },
  ];
  const there = [
    ...['news', 'tmp-a', 'docs_20261120_020000', 'docs_20261001_020000', 'import_20261001_020000'],
    'rehearsal_20261127_030000_news',
  ];
  const meant = (asked: Partial<Parameters<typeof collectionsMeant>[0]>) => {
    const { names, notes } = collectionsMeant({ cluster: 'prod', ...asked }, there, aliases);
    return { names: [...names].sort(), notes };
  };

  it('are all but what rehearsals and swaps left, which is named', () => {
    expect(meant({})).toEqual({
      names: ['docs_20261120_020000', 'import_20261001_020000', 'news', 'tmp-a'],
      notes: [
        'Left out, as remains of rehearsals and swaps: docs_20261001_020000, rehearsal_20261127_030000_news.',
      ],
    });
    expect(meant({ collections: ['docs_*'] }).names).toEqual(['docs_20261120_020000']);
    expect(meant({ collections: ['docs_20261001_020000'] })).toEqual({
      names: ['docs_20261001_020000'],
      notes: [],
    });
  });

  it('are less what is excluded, also behind an alias', () => {
    expect(meant({ exclude: ['tmp-*', 'docs*', 'import*', 'rehearsal*'] })).toEqual({
      names: ['news'],
      notes: [],
    });
    expect(meant({ collections: ['current', 'tmp-*'], exclude: ['tmp-a'] }).names).toEqual(['news']);
  });

  it('may lack one that is named, which is refused or fails by itself', () => {
    expect(() => meant({ collections: ['news', 'gone'] })).toThrow(
      /no collection, alias or match for "gone"/,
    );
    expect(meant({ collections: ['news', 'gone', 'x-*'], onMissing: 'continue' })).toEqual({
      names: ['gone', 'news'],
      notes: ['"x-*" matches no collection of "prod".'],
    });
  });

  it('are less one with the name of a document of the run, which is named', () => {
    const all = { names: new Set(['backup.json', 'docs', 'manifest.json']), notes: [] as string[] };
    leaveOutReserved(all, { cluster: 'prod' });
    expect([...all.names]).toEqual(['docs', 'manifest.json']);
    expect(all.notes).toEqual([expect.stringContaining('"backup.json" cannot be backed up')]);
    const asked = { cluster: 'prod', collections: ['started.json', 'docs'] };
    const named = { names: new Set(asked.collections), notes: [] };
    expect(() => leaveOutReserved(named, asked)).toThrow(/"started.json" cannot be backed up/);
  });
});
