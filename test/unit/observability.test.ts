// Dashboard, alert rules and their document name the metrics that there are, all of them and no others.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { METRICS } from '../../src/model/metrics.js';

const ROOT = join(import.meta.dirname, '../..');
const RULES = join(ROOT, 'deploy/prometheus');
const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  labels?: { severity: string };
  annotations?: { summary: string; description: string };
}
interface Panel {
  title: string;
  targets?: { expr: string }[];
}

const groups = (parse(text('deploy/prometheus/ferry-alerts.yml')) as { groups: { rules: Rule[] }[] }).groups;
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.flatMap(({ alert }) => alert ?? []);
const recorded = rules.flatMap(({ record }) => record ?? []);
const dashboard = JSON.parse(text('deploy/grafana/ferry.json')) as { panels: Panel[] };
const shown = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
const document = text('docs/observability.md');

const exported = Object.keys(METRICS).sort();
const named = (pattern: RegExp, texts: readonly string[]) =>
  [...new Set(texts.flatMap((one) => one.match(pattern) ?? []))].sort();
const expressions = [...rules.map(({ expr }) => expr), ...shown];

describe('rules, dashboard and document', () => {
  it('use each metric that is exported, and no other', () => {
    expect(named(/\bferry_[a-z_]+/g, expressions)).toEqual(exported);
  });

  it('use what the rules record, and record nothing in vain', () => {
    expect(named(/\bferry:[a-z_:]+/g, expressions)).toEqual([...recorded].sort());
  });

  it('have every metric in the table of the document', () => {
    const rows = [...document.matchAll(/^\| `(ferry_[a-z_]+)` \|/gm)].map((match) => match[1]);
    expect(rows.sort()).toEqual(exported);
  });

  it('give each metric the labels that the document gives it', () => {
    for (const [name, { labels }] of Object.entries(METRICS)) {
      const row = new RegExp(`^\\| \`${name}\` \\| ([^|]*) \\|`, 'm').exec(document)?.[1] ?? '';
      expect({ name, labels: row.split(',').map((one) => one.trim()) }).toEqual({
        name,
        labels: [...labels],
      });
    }
  });

  it('explain every alert, and test each one', () => {
    const rows = [...document.matchAll(/^\| `(Ferry\w+)` \|/gm)].map((match) => match[1]);
    expect(rows.sort()).toEqual([...alerts].sort());
    const tests = readdirSync(RULES).filter((file) => file.endsWith('.test.yml'));
    const tested = tests.map((file) =>
      readFileSync(join(RULES, file), 'utf8').replace(/exp_alerts: \[\]/g, ''),
    );
    for (const alert of alerts)
      expect(tested.join('\n')).toMatch(new RegExp(`alertname: ${alert}\\s+exp_alerts:\\s+- exp_labels`));
  });

  it('say of each alert how bad it is, and what to do', () => {
    for (const { alert, labels, annotations } of rules.filter((rule) => rule.alert !== undefined)) {
      expect({ alert, severity: labels?.severity }).toEqual({
        alert,
        severity: expect.stringMatching(/^(warning|critical)$/),
      });
      expect(annotations?.summary).toMatch(/\S/);
      expect(annotations?.description).toMatch(/\.$/);
    }
  });

  it('count the first event of a counter, which increase() does not see', () => {
    const counting = expressions.filter((expr) => /increase\((ferry|temporal)_/.test(expr));
    expect(counting).toHaveLength(6);
    for (const expr of counting) expect(expr).toMatch(/ unless .* offset /s);
  });

  it('have a query in each panel that is no list or row', () => {
    const empty = dashboard.panels.filter(({ targets = [] }) => targets.length === 0);
    expect(empty.map(({ title }) => title)).toEqual(['Protection', 'Alerts', 'Stores', 'Jobs', 'Workers']);
  });
});

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

describe.skipIf(!hasPromtool)('promtool, where it is installed', { timeout: 120_000 }, () => {
  const promtool = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: RULES, encoding: 'utf8' });
    return { status, told: stdout + stderr };
  };

  it('accepts the rules', () => {
    expect(promtool('check', 'rules', 'ferry-alerts.yml')).toEqual({
      status: 0,
      told: expect.stringContaining(`${rules.length} rules found`),
    });
  });

  it.each(readdirSync(RULES).filter((file) => file.endsWith('.test.yml')))('passes %s', (file) => {
    expect(promtool('test', 'rules', file)).toEqual({ status: 0, told: expect.stringContaining('SUCCESS') });
  });

  it('accepts every expression of the dashboard', () => {
    const rules = shown.map((expr, at) => ({
      record: `panel:${at}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    const folder = mkdtempSync(join(tmpdir(), 'ferry-dashboard-'));
    try {
      writeFileSync(join(folder, 'rules.json'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
      const { status, told } = promtool('check', 'rules', join(folder, 'rules.json'));
      expect({ status, told }).toEqual({ status: 0, told: expect.stringContaining('SUCCESS') });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
