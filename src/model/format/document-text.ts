// How every document of a store is written: JSON that a person can read, with a newline at its end.

export function documentText(document: unknown): string {
  return `${JSON.stringify(document, null, 1)}\n`;
}
