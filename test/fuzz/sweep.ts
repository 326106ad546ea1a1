import { mutated, realFiles } from './mutate.js'
import { PATTERNS } from './patterns.js'
import { Random } from './random.js'
import { complaint, SUBJECTS, type Subject } from './subjects.js'

export interface SweepOptions {
  readonly seed: number
  /** Characters of each text that is made of one pattern. */
  readonly size: number
  /** How many patterns each subject meets at that size; with as many as there are, or more, each of them once. */
  readonly large: number
  /** The same at a hundredth of the size. */
  readonly small: number
  /** How many changed real files each subject meets. */
  readonly mutations: number
  /** Only subjects whose names hold one of these words; all when there is none. */
  readonly only?: readonly string[]
}

export interface SubjectResult {
  readonly subject: string
  readonly cases: number
  readonly characters: number
  readonly ms: number
  readonly longestMs: number
  /** The case that took longest. */
  readonly longest: string
  readonly finds: readonly string[]
}

/**
 * Every subject, one after the other. `begun` is told of each case before it is tried: whoever listens knows what
 * hangs.
 */
export async function sweep(
  options: SweepOptions,
  begun: (what: string) => void,
  done: (result: SubjectResult) => void,
): Promise<void> {
  const files = options.mutations === 0 ? [] : realFiles()
  const { only = [] } = options
  for (const [index, subject] of SUBJECTS.entries()) {
    if (only.length > 0 && !only.some((word) => subject.name.includes(word))) continue
    const random = new Random(options.seed + index)
    const tally = new Tally(subject, begun)
    for (const pattern of chosen(options.large, random)) {
      const size = Math.min(options.size, subject.most ?? Infinity)
      await tally.try(pattern.make(size), `${size} characters of ${pattern.name}`)
    }
    for (const pattern of chosen(options.small, random)) {
      await tally.try(pattern.make(options.size / 100), `a few characters of ${pattern.name}`)
      await tally.try(pattern.make(1), `one of ${pattern.name}`)
    }
    for (let count = 0; count < options.mutations; count += 1) {
      await tally.try(mutated(files, random), `changed file ${count} of seed ${options.seed}`)
    }
    done(tally.result())
  }
}

function chosen(count: number, random: Random): typeof PATTERNS {
  return count >= PATTERNS.length ? PATTERNS : Array.from({ length: count }, () => random.of(PATTERNS))
}

class Tally {
  readonly #subject: Subject
  readonly #begun: (what: string) => void
  readonly #finds: string[] = []
  #cases = 0
  #characters = 0
  #ms = 0
  #longestMs = 0
  #longest = ''

  constructor(subject: Subject, begun: (what: string) => void) {
    this.#subject = subject
    this.#begun = begun
  }

  async try(content: string | Buffer, name: string): Promise<void> {
    this.#begun(`${this.#subject.name}: ${name}`)
    const began = performance.now()
    const wrong = await complaint(this.#subject, content)
    const ms = performance.now() - began
    if (wrong !== null) this.#finds.push(`${name}: ${wrong}`)
    this.#cases += 1
    this.#characters += content.length
    this.#ms += ms
    if (ms > this.#longestMs) [this.#longestMs, this.#longest] = [ms, name]
  }

  result(): SubjectResult {
    return {
      subject: this.#subject.name,
      cases: this.#cases,
      characters: this.#characters,
      ms: this.#ms,
      longestMs: this.#longestMs,
      longest: this.#longest,
      finds: this.#finds,
    }
  }
}
