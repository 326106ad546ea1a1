/** Those whose id is meant: the one that is called just so, else all that begin so. */
export function meant<T>(items: readonly T[], idOf: (item: T) => string, typed: string): readonly T[] {
  const exact = items.filter((item) => idOf(item) === typed)
  return exact.length > 0 ? exact : items.filter((item) => idOf(item).startsWith(typed))
}
