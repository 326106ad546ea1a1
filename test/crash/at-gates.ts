import type { Crashable } from './at-messages.js'
import { GATES } from './gates.js'
import type { Place } from './place.js'
import type { CrashPoint, Start, Watch } from './points.js'
import { sleep } from '../servers/process.js'

/** What becomes of the statement that runs, when nobody waits for it any more. */
const WHAT_NEXT = {
  'goes on': 'kill',
  'is ended': 'kill',
  'loses its server': 'server',
} as const

type Next = keyof typeof WHAT_NEXT

/** Long enough that whoever comes next finds the statement still running; nothing is wrong when it does not. */
const LEFT_ALONE_MS = 400

/** Strikes while the server is busy with a statement, which is let on afterwards, or ended, or goes with its server. */
export const atGates = (family: keyof typeof GATES, gates: readonly string[], server?: Crashable): Watch => {
  return async (place, start) => {
    const ended = await start(place.url).ended
    const nexts: readonly Next[] = server === undefined ? ['goes on', 'is ended'] : ['loses its server']
    const points = gates.flatMap((gate) =>
      nexts.map((next): CrashPoint => ({
        label: `a statement: while it runs, and ${next}`,
        name: `${gate} ${next}`,
        act: WHAT_NEXT[next],
        strike: (place, start) => strike({ family, gate, next, server }, place, start),
      })),
    )
    return { ended, points }
  }
}

interface Blow {
  readonly family: keyof typeof GATES
  readonly gate: string
  readonly next: Next
  readonly server: Crashable | undefined
}

async function strike(
  { family, gate, next, server }: Blow,
  place: Place,
  start: Start,
): ReturnType<CrashPoint['strike']> {
  const gates = GATES[family]
  await place.query(gates.close(gate))
  const child = start(place.url)
  const over = { yet: false }
  void child.ended.then(() => (over.yet = true))
  let session: string | null | undefined
  while (session == null) {
    if (over.yet) {
      await place.query(gates.open(gate))
      return null
    }
    await sleep(5)
    session = (await place.query(gates.waiting))[0]?.[0]
  }
  if (next === 'loses its server') {
    await server?.crash()
    const ended = await child.ended
    await server?.restart()
    await place.query(gates.open(gate))
    return ended
  }
  await child.kill()
  if (next === 'is ended') {
    await place.query(gates.end(session))
    await place.query(gates.open(gate))
  } else {
    // What comes next has to wait for it.
    void sleep(LEFT_ALONE_MS)
      .then(() => place.query(gates.open(gate)))
      .catch(() => undefined)
  }
  return child.ended
}
