import { kindIn } from './kinds.js'
import type { CrashPoint, Watch } from './points.js'
import { CrashProxy, type Message, type Point, type Trap } from './proxy.js'
import { protocolOf, type ProtocolName } from './protocols.js'
import type { RunningServer } from '../servers/index.js'

/** A server that can be killed and started again. */
export type Crashable = Required<Pick<RunningServer, 'crash' | 'restart'>>

/**
 * Strikes at the messages between a runner and its server.
 * @param server is killed there instead of the runner, and started again
 */
export const atMessages = (protocol: ProtocolName, server?: Crashable): Watch => {
  return async (place, start) => {
    const proxy = await CrashProxy.open(place.url, protocol)
    try {
      const ended = await start(proxy.urlFor(place.url)).ended
      return { ended, points: pointsOf(protocol, proxy.messages, server) }
    } finally {
      proxy.close()
    }
  }
}

const SIGNS = { kill: '', cut: ' (cut)', server: ' (server killed)' } as const

/** So short that a runner that is stopped has lost it soon. */
const SHORT_LEASE = { MIGRATE_LEASE: '1s' }

/** A transaction that a stopped runner leaves open is ended by servers in their time, and not by our gateway. */
const IN_TRANSACTION = /"autocommit":false/

const MOMENTS = {
  before: 'not sent',
  sent: 'sent, answer not heard',
  answered: 'answered, answer lost',
  heard: 'some answers heard',
} as const

/** Every point of a conversation: three at each message, and one behind each of its statements' answers. */
function pointsOf(
  protocol: ProtocolName,
  messages: readonly Message[],
  server: Crashable | undefined,
): CrashPoint[] {
  const acts = server === undefined ? (['kill', 'cut'] as const) : (['server'] as const)
  return messages.flatMap(({ text, answers }, message) => {
    const points: Point[] = [
      { message, moment: 'before' },
      { message, moment: 'sent' },
      // A good-bye is not answered.
      ...(answers === 0 && text === '(good-bye)' ? [] : [{ message, moment: 'answered' } as const]),
      ...Array.from({ length: Math.max(0, answers - 1) }, (_, index) => ({
        message,
        moment: 'heard' as const,
        heard: index + 1,
      })),
    ]
    return points.flatMap((point) =>
      [...acts, ...(mayStop(protocol, text, point, server) ? (['stop'] as const) : [])].map((act) => ({
        label: `${kindIn(protocol, text)}: ${act === 'stop' ? 'answered, but stopped until another has had the lock' : MOMENTS[point.moment] + SIGNS[act]}`,
        name: `message ${message} ${point.moment}${point.heard === undefined ? '' : ` ${point.heard}`} ${act}: ${text.slice(0, 80).replace(/\s+/g, ' ')}`,
        act,
        strike: (place, start, meanwhile) =>
          act === 'stop'
            ? stopAndGoOn(protocol, point, place, start, meanwhile)
            : strike({ protocol, point, act, server }, place, start, meanwhile),
      })),
    )
  })
}

/** Where the lock is a lease: between an answer, which the runner hears when it goes on, and what it sends then. */
const mayStop = (
  protocol: ProtocolName,
  text: string,
  { moment }: Point,
  server: Crashable | undefined,
): boolean =>
  (protocol === 'mongo' || protocol === 'redis') &&
  server === undefined &&
  moment === 'answered' &&
  (!IN_TRANSACTION.test(text) || text.includes('commitTransaction'))

async function stopAndGoOn(
  protocol: ProtocolName,
  point: Point,
  ...[place, start, meanwhile]: Parameters<CrashPoint['strike']>
): ReturnType<CrashPoint['strike']> {
  // Nobody connects before the runner is there.
  const trap = { point, spring: () => Promise.resolve(), stop: (): void => undefined }
  const proxy = await CrashProxy.open(place.url, protocol, trap)
  try {
    const child = start(proxy.urlFor(place.url), { env: SHORT_LEASE })
    const stopped = await new Promise<boolean>((resolve) => {
      trap.stop = () => {
        child.signal('SIGSTOP')
        resolve(true)
      }
      void child.ended.then(() => resolve(false))
    })
    if (!stopped) return null
    try {
      await meanwhile()
    } finally {
      child.signal('SIGCONT')
    }
    return await child.ended
  } finally {
    proxy.close()
  }
}

interface Blow {
  readonly protocol: ProtocolName
  readonly point: Point
  readonly act: CrashPoint['act']
  readonly server: Crashable | undefined
}

async function strike(
  { protocol, point, act, server }: Blow,
  ...[place, start]: Parameters<CrashPoint['strike']>
): ReturnType<CrashPoint['strike']> {
  const trapped = { sprung: false }
  // Nobody connects before the runner is there.
  let kill: () => Promise<void> = () => Promise.resolve()
  const trap: Trap = {
    point,
    spring: async () => {
      trapped.sprung = true
      if (act === 'kill') await kill()
      if (act === 'server') await server?.crash()
    },
    comesBack: act === 'cut' && protocolOf(protocol).reconnects === true,
  }
  const proxy = await CrashProxy.open(place.url, protocol, trap)
  try {
    const child = start(proxy.urlFor(place.url))
    kill = () => child.kill()
    const ended = await child.ended
    if (!trapped.sprung) return null
    await proxy.sprung
    if (act === 'server') await server?.restart()
    return ended
  } finally {
    proxy.close()
  }
}
