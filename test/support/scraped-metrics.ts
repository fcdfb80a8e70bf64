// What a Prometheus would read of a worker.

export async function scrape(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  return response.text();
}

/** Of the one series with these labels; the SDK may add others. */
export function valueOf(text: string, name: string, labels: Record<string, string>): number | undefined {
  const found = seriesIn(text).filter(
    (one) =>
      one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
  );
  if (found.length > 1) throw new Error(`${name} is there ${found.length} times`);
  return found[0]?.value;
}

export function namesIn(text: string): Set<string> {
  return new Set(seriesIn(text).map(({ name }) => name));
}

function seriesIn(text: string) {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [, name = '', , within = '', value] = /^([a-zA-Z0-9_:]+)(\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const pairs = [...within.matchAll(/([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"/g)];
    return {
      name,
      labels: Object.fromEntries(pairs.map(([, key, text]) => [key, text])),
      value: Number(value),
    };
  });
}
