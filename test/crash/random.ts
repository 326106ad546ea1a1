import { createHash } from 'node:crypto'

export interface Random {
  /** In their order. */
  sample<T>(values: readonly T[], count: number): T[]
}

/** The same choices for the same seed, on every machine. */
export function randomFrom(seed: string): Random {
  return {
    sample(values, count) {
      const rank = (index: number): string => createHash('sha256').update(`${seed} ${index}`).digest('hex')
      return values
        .map((value, index) => ({ value, index, rank: rank(index) }))
        .sort((a, b) => (a.rank < b.rank ? -1 : 1))
        .slice(0, count)
        .sort((a, b) => a.index - b.index)
        .map(({ value }) => value)
    },
  }
}
