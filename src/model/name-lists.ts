// Lists of names in messages.

/** The first ten, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length > 10 ? `, and ${names.length - 10} more` : '';
  return `${names.slice(0, 10).join(', ') || 'nothing'}${more}`;
}
