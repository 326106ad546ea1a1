const SAFE = /^[\w@%+=:,./^-]+$/

/** A word as a shell takes it: bare where that is safe, else between quotes. */
export function shellWord(word: string): string {
  return SAFE.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
