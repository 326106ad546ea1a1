import { MigrateError } from './errors.js'
import type { Position } from './position.js'
import type { Direction, ScriptPart } from './revision.js'

/** What undoes an operation: parts of a down script, perhaps none; null where nobody said and nothing tells. */
type Reverse = readonly ScriptPart[] | null

/** What one call on `op` collected. */
interface Collected {
  /** As an error names it: `op.sql`. */
  readonly call: string
  part: ScriptPart
  reverse: Reverse
  /** Why it has no reverse of its own, and how one is given: two sentences. */
  readonly why: string
  readonly hint: string
}

/** The pieces of a script while its function runs: those of a `change` know their reverses. */
export class Collection {
  readonly #what: string
  readonly #id: string
  readonly #reversible: boolean
  readonly #collected: Collected[] = []
  #open = true

  /** @param what the function that collects */
  constructor(what: Direction | 'change', id: string) {
    this.#what = what
    this.#id = id
    this.#reversible = what === 'change'
  }

  /** @throws MigrateError MIG-FILE-SHAPE once the function has returned */
  add(given: Omit<Collected, 'reverse'> & { readonly reverse?: Reverse }): (reverse: Reverse) => void {
    this.refuseLate(given.part.origin)
    const collected: Collected = { ...given, reverse: given.reverse ?? null }
    this.#collected.push(collected)
    return (reverse) => {
      collected.reverse = reverse
    }
  }

  /** The last call, whose part may be made another; null when there is none. */
  get last(): { readonly call: string; part: ScriptPart } | null {
    return this.#collected.at(-1) ?? null
  }

  /** @throws MigrateError MIG-FILE-SHAPE where the down is written, not derived */
  refuseReverse(call: string, position: Position): void {
    if (this.#reversible) return
    throw new MigrateError(
      'MIG-FILE-SHAPE',
      `${call} is told how it is undone, but ${this.#what}() of revision ${this.#id} is not: only change() derives its down.`,
      { position, hint: 'Write change(op) in place of up and down, or put what undoes it into down(op).' },
    )
  }

  refuseLate(position: Position): void {
    if (this.#open) return
    throw new MigrateError(
      'MIG-FILE-SHAPE',
      `${this.#what}() of revision ${this.#id} used op after it had returned.`,
      { position, hint: 'Call op only while the function runs, not in a callback that comes later.' },
    )
  }

  close(): void {
    this.#open = false
  }

  get parts(): readonly ScriptPart[] {
    return this.#collected.map(({ part }) => part)
  }

  /**
   * What undoes all of it, the last operation first.
   * @throws MigrateError MIG-FILE-SHAPE naming the operation that cannot be undone
   */
  reversed(): readonly ScriptPart[] {
    return [...this.#collected].reverse().flatMap(({ call, part, reverse, why, hint }) => {
      if (reverse !== null) return reverse
      throw new MigrateError(
        'MIG-FILE-SHAPE',
        `The down of revision ${this.#id} cannot be derived: ${call} ${why}.`,
        { position: part.origin, hint },
      )
    })
  }
}
