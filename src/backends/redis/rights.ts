const ALWAYS =
  '+ping +info +select +client|setname +client|setinfo +cluster|slots +multi +exec +eval +get +set +del +exists +type +time +pexpire +hget +hset +hdel +hvals +hkeys +hincrby +lpush +lrange'

/**
 * What revgraph itself needs, as ACL SETUSER takes it.
 * @param own what the metadata's keys begin with
 */
export const neededRights = (own: string): string => `~${own}* ${ALWAYS}`

/** What a server that said NOPERM would have wanted, and the command that gives it; null where its words are others. */
export function missingRight(message: string): { right: string; remedy: string } | null {
  const user = /\bUser (\S+) has no permissions/i.exec(message)?.[1] ?? 'USER'
  const command = /run the '([^']+)' command/i.exec(message)?.[1]
  const given = (right: string) => ({ right, remedy: `ACL SETUSER ${user} ${right}` })
  if (command !== undefined) return given(`+${command}`)
  // As the script that writes the metadata words it.
  const [, own, keys = ''] = /may not run (\S+) on (\{[^}]*\}:)/.exec(message) ?? []
  if (own !== undefined) return given(`+${own.toLowerCase()} ~${keys}*`)
  if (/\bchannel/i.test(message)) return given('&PATTERN')
  return /\bkeys?\b/i.test(message) ? given('~PATTERN') : null
}
