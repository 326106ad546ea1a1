import type { Statement } from '../../backend/index.js'
import { escapePattern, renamedPattern } from '../../schema/redis/glob.js'
import { commandOf } from '../../schema/redis/words.js'
import { isCluster, loadDriver, type Client } from './driver.js'
import { argumentsOf, operationIn } from './statements.js'

const ALWAYS =
  '+ping +info +select +client|setname +client|setinfo +cluster|slots +multi +exec +eval +get +set +del +exists +type +time +pexpire +hget +hset +hdel +hvals +hkeys +hincrby +lpush +lrange'

/** The rule for the metadata's keys. @param own what they begin with */
export const ownKeys = (own: string): string => `~${escapePattern(own)}*`

/**
 * What revgraph itself needs, as ACL SETUSER takes it.
 * @param own what the metadata's keys begin with
 */
export const neededRights = (own: string): string => `${ownKeys(own)} ${ALWAYS}`

/** What a user may not touch, where the server's refusal does not say it. */
export interface Denied {
  readonly user: string
  /** Rules of ACL, for keys and channels; none where only the server knows. */
  readonly rules: readonly string[]
}

const KEY = /\bkeys?\b/i
const CHANNEL = /\bchannel/i
const IN_SCRIPT = /\bscript\b/i

/** What a server that said NOPERM would have wanted, and what to do about it; null where its words are others. */
export function missingRight(
  message: string,
  denied: Denied | null,
): { readonly right: string; readonly remedy: string } | null {
  const user = /\bUser (\S+) has no permissions/i.exec(message)?.[1] ?? denied?.user ?? 'USER'
  const rule = (...rules: string[]): string => commandOf(['ACL', 'SETUSER', user, ...rules])
  const given = (...rules: string[]) => ({
    right: commandOf(rules),
    remedy: `Give the user the right: ${rule(...rules)}`,
  })
  const command = /run the '([^']+)' command/i.exec(message)?.[1]
  if (command !== undefined) return given(`+${command}`)
  // As the script that writes the metadata words it.
  const [, own, keys = ''] = /may not run (\S+) on (\{[^}]*\}:)/.exec(message) ?? []
  if (own !== undefined) return given(`+${own.toLowerCase()}`, ownKeys(keys))
  const what = CHANNEL.test(message) ? 'channel' : KEY.test(message) ? 'key' : null
  if (what === null) return null
  if (denied !== null && denied.rules.length > 0) return given(...denied.rules)
  const any = what === 'key' ? '~KEY' : '&CHANNEL'
  return {
    right: `to a ${what}; ACL LOG tells which`,
    remedy: `See with ACL LOG which ${what} it was, and give the user the right to it: ${rule(any)}`,
  }
}

/**
 * Asks what a statement was refused for, where that is keys or a channel: the server does not say which. Of what a script
 * does inside nothing is known.
 */
export async function deniedTo(
  { message }: Error,
  { text }: Statement,
  client: Client,
): Promise<Denied | null> {
  if (!KEY.test(message) && !CHANNEL.test(message)) return null
  const [user, rules] = await Promise.all([
    userOf(client),
    IN_SCRIPT.test(message) ? [] : rulesFor(message, text, client),
  ])
  return { user, rules }
}

async function userOf(client: Client): Promise<string> {
  const username = isCluster(client) ? client.options.redisOptions?.username : client.options.username
  const answer = await client.call('ACL', 'WHOAMI').catch(() => null)
  return typeof answer === 'string' ? answer : (username ?? 'default')
}

async function rulesFor(message: string, text: string, client: Client): Promise<readonly string[]> {
  const operation = operationIn(text)
  if (operation?.kind === 'keys') {
    const { pattern, action } = operation
    return action.name === 'RENAME'
      ? [`~${pattern}`, `~${renamedPattern(pattern, action.to)}`]
      : [`~${pattern}`]
  }
  if (operation !== null) return []
  const words = argumentsOf(text)
  const [name = '', first = ''] = words.map(String)
  if (CHANNEL.test(message)) return /^s?publish$/i.test(name) ? [`&${escapePattern(first)}`] : []
  const keys = [...new Set(await keysOf(words, client))]
  const closed = await closedOf(keys.slice(0, MOST_ASKED), client)
  return (closed.length > 0 ? closed : keys).slice(0, MOST_TOLD).map((key) => `~${escapePattern(key)}`)
}

/** As the server knows them; where this user may not ask, as the driver does. */
async function keysOf(words: readonly (string | Buffer)[], client: Client): Promise<string[]> {
  const [name = '', ...rest] = words
  try {
    return ((await client.call('COMMAND', 'GETKEYS', ...words)) as unknown[]).map(String)
  } catch {
    try {
      const { Command } = await loadDriver()
      return new Command(String(name), rest).getKeys().map(String)
    } catch {
      return []
    }
  }
}

const MOST_ASKED = 1_000
const MOST_TOLD = 10

/** Those that may not even be read. Where all may be, it was the writing that was refused. */
async function closedOf(keys: readonly string[], client: Client): Promise<string[]> {
  if (keys.length < 2) return [...keys]
  const told = await Promise.all(
    keys.map((key) =>
      client.type(key).then(
        () => '',
        (error: unknown) => (error instanceof Error && KEY.test(error.message) ? key : ''),
      ),
    ),
  )
  return told.filter((key) => key !== '')
}
