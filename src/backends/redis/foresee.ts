import type { Client } from './driver.js'
import type { KeysOperation } from './keys.js'
import { takenNames } from './keys-taken.js'
import { answerOf, primariesOf } from './nodes.js'

const BATCH = 1_000
/** A plan is to be read soon: of a larger database it tells what was seen in this time. */
const LONGEST_MS = 5_000

/** How many keys a step would be done to: counted by the same scan, with nothing changed. */
export async function foreseeKeys(operation: KeysOperation, client: Client, own: string): Promise<string> {
  const deadline = performance.now() + LONGEST_MS
  const counted = new Counted()
  for (const node of await primariesOf(client)) {
    let cursor = '0'
    do {
      if (performance.now() > deadline) return `at least ${counted.words} now; not all were looked at`
      const from = cursor
      const [next, keys] = await answerOf(client, node, () =>
        node.scan(from, 'MATCH', operation.pattern, 'COUNT', BATCH),
      )
      counted.add(keys.filter((key) => !key.startsWith(own)).length)
      cursor = next
    } while (cursor !== '0')
  }
  const taken = await takenNames(operation, client, own, {
    most: 1,
    goesOn: () => performance.now() <= deadline,
  })
  const [first] = taken
  const what =
    first === undefined ? 'each is done at least once' : `it is refused, for there is ${first} already`
  return `${counted.words} now; ${what}`
}

class Counted {
  #count = 0

  add(more: number): void {
    this.#count += more
  }

  get words(): string {
    return this.#count === 1 ? '1 key matches' : `${this.#count} keys match`
  }
}
