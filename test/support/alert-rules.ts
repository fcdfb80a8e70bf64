// The alert rules of deploy/, by the metrics that they are made of.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const RULES = join(import.meta.dirname, '../../deploy/prometheus/ferry-alerts.yml');

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
}

const rules = (parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

export const ALERTS: readonly string[] = rules.flatMap(({ alert }) => alert ?? []);

/** What a worker has to export for it, also by way of what other rules record. */
export function metricsOfAlert(alert: string): string[] {
  const rule = rules.find((one) => one.alert === alert);
  if (rule === undefined) throw new Error(`there is no alert ${alert}`);
  return [...metricsIn(rule.expr, new Set())].sort();
}

function metricsIn(expression: string, seen: Set<string>): Set<string> {
  const found = new Set(expression.match(/\b(ferry|temporal)_[a-z_]+/g) ?? []);
  for (const name of expression.match(/\bferry:[a-z_:]+/g) ?? []) {
    if (seen.has(name)) continue;
    seen.add(name);
    const recorded = rules.find(({ record }) => record === name);
    for (const metric of metricsIn(recorded?.expr ?? '', seen)) found.add(metric);
  }
  return found;
}
