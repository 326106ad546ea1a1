import type { Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { connectFailed, databaseFailed, halfDone, statementFailed, type ServerError } from '../sql/errors.js'

/**
 * The first word of an answer that is an error: `WRONGTYPE`, `NOPERM`. Null when the server said nothing. The driver's
 * classes have other names in a bundle, so the words are looked at.
 */
export function codeOf(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || typeof (thrown as { code?: unknown }).code === 'string') return null
  return /^[A-Z][A-Z0-9]+(?= |$)/.exec(thrown.message)?.[0] ?? null
}

function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  // Of a cluster the driver keeps what was said last.
  const { lastNodeError } = thrown as { lastNodeError?: unknown }
  const message =
    lastNodeError instanceof Error ? `${thrown.message} ${lastNodeError.message}` : thrown.message
  return message.trim() === '' ? ((thrown as { code?: unknown }).code?.toString() ?? thrown.name) : message
}

const HINTS: ReadonlyMap<string, string> = new Map([
  ['WRONGTYPE', 'the key holds another kind of value; TYPE tells which'],
  ['NOPERM', 'give the user the right: ACL SETUSER user +command ~pattern'],
  ['OOM', 'the server is at its maxmemory and evicts nothing; give it more, or delete first'],
  ['CROSSSLOT', 'in a cluster all keys of one command must be in one slot: give them one {hash tag}'],
  ['MISCONF', 'the server cannot save to its disk and takes no writes until it can'],
  ['NOREPLICAS', 'too few replicas are connected for the server to take writes (min-replicas-to-write)'],
  [
    'CLUSTERDOWN',
    'a part of the cluster has no primary; CLUSTER INFO tells, and the same command goes on later',
  ],
])

function facts(thrown: unknown): ServerError {
  const code = codeOf(thrown)
  const message = messageOf(thrown)
  return {
    message: code === null ? message : message.replace(/^ERR /, ''),
    ...(code === null || code === 'ERR' ? {} : { code }),
    hint: HINTS.get(code ?? ''),
  }
}

/** The server's answer leaves open whether the command was executed, or is none. */
const IN_DOUBT: ReadonlySet<string> = new Set(['UNBLOCKED', 'CLUSTERDOWN', 'TRYAGAIN'])

const READ_ONLY: ReadonlySet<string> = new Set(['READONLY'])
const NOT_NOW: ReadonlySet<string> = new Set(['LOADING', 'MASTERDOWN', 'BUSY'])

export function explainStatement(thrown: unknown, statement: Statement): MigrateError {
  if (thrown instanceof MigrateError) return thrown
  const code = codeOf(thrown)
  const place = { position: statement.position }
  if (code === null || IN_DOUBT.has(code)) return lost(thrown).with(place)
  if (READ_ONLY.has(code)) return readOnly(thrown).with(place)
  if (thrown instanceof BrokenOff || stopsScript(thrown, statement))
    return halfDone(statement, facts(thrown), thrown)
  return statementFailed(statement, facts(thrown), thrown)
}

const SCRIPTS: ReadonlySet<string> = new Set(['eval', 'evalsha', 'fcall'])
/** A script that was not begun: there is none, it is no Lua, or nobody may run it. */
const NOT_BEGUN =
  /^(?:NOSCRIPT|ERR (?:Error compiling|Function not found|wrong number of arg|Number of keys|value is not an integer)|OOM allow-oom flag|NOPERM .* run the '(?:eval|evalsha|fcall)')/i

/** What a script had done before it met an error stands. */
const stopsScript = (thrown: unknown, { summary }: Statement): boolean =>
  SCRIPTS.has(summary.split(' ', 1)[0]?.toLowerCase() ?? '') && !NOT_BEGUN.test(messageOf(thrown))

/** A command for several servers that one of them has refused after others had done it. */
export class BrokenOff extends Error {
  constructor(cause: unknown, done: number) {
    super(`${messageOf(cause)} (${done} ${done === 1 ? 'server has' : 'servers have'} done it)`, { cause })
  }
}

export function explain(thrown: unknown, doing: string): MigrateError {
  if (thrown instanceof MigrateError) return thrown
  const code = codeOf(thrown)
  if (code === null) return lost(thrown)
  if (READ_ONLY.has(code)) return readOnly(thrown)
  if (code === 'FENCED') return lockLost(messageOf(thrown))
  if (code === 'NOPERM') return noRights(doing, thrown)
  if (code === 'NOTOURS') {
    return new MigrateError(
      'MIG-METADATA-CORRUPT',
      `The metadata cannot be written: ${messageOf(thrown).slice(8)}.`,
      {
        hint: 'Rename that key, or give the metadata another prefix in the configuration.',
        state: 'Nothing was changed.',
      },
    )
  }
  return databaseFailed(doing, facts(thrown), thrown)
}

/** What revgraph itself needs, as ACL SETUSER takes it. */
export const NEEDED_RIGHTS =
  '+ping +info +client|setname +client|setinfo +multi +exec +eval +get +set +del +exists +type +time +pexpire +hget +hset +hdel +hvals +hkeys +hincrby +lpush +lrange'

function noRights(doing: string, thrown: unknown): MigrateError {
  return new MigrateError('MIG-DATABASE', `${doing} failed: ${messageOf(thrown)}`, {
    details: ['code: NOPERM', `revgraph itself needs: ~{migrate}:* ${NEEDED_RIGHTS}`],
    hint: 'Give the user these rights, beside those that its revisions need.',
    cause: thrown,
  })
}

function lockLost(message: string): MigrateError {
  const holder = message.replace(/^FENCED ?/, '')
  return new MigrateError(
    'MIG-LOCK-LOST',
    holder === ''
      ? 'The lease of this run ran out, and another run has had the lock since.'
      : 'The lease of this run ran out, and another run holds the lock now.',
    {
      details: holder === '' ? [] : [`holder: ${holder}`],
      hint: 'See where the database stands with "migrate status", and give the command again when the other run has ended.',
      state: 'Nothing more was written.',
    },
  )
}

function lost(thrown: unknown): MigrateError {
  const code = codeOf(thrown)
  return new MigrateError('MIG-DATABASE', `The connection to the server was lost: ${messageOf(thrown)}`, {
    hint: 'See where the database stands with: migrate status',
    details: code === null ? [] : [`code: ${code}`],
    cause: thrown,
  })
}

function readOnly(thrown: unknown): MigrateError {
  return new MigrateError('MIG-READ-ONLY', `The server takes no writes: ${messageOf(thrown)}`, {
    hint: 'This is a replica. Connect to the primary that it follows.',
    cause: thrown,
  })
}

const REFUSED_LOGINS: ReadonlySet<string> = new Set(['WRONGPASS', 'NOAUTH', 'NOPERM'])

/** @param said what the driver told beside the error itself */
export function explainConnect(thrown: unknown, url: string | undefined, said?: unknown): MigrateError {
  if (thrown instanceof MigrateError) return thrown
  const isBetter = said !== undefined && (codeOf(thrown) === null || codeOf(said) === 'WRONGPASS')
  const cause = isBetter ? said : thrown
  const code = codeOf(cause)
  const kind = isRefusedLogin(cause) ? 'MIG-AUTHENTICATION' : 'MIG-CONNECT'
  const failed = connectFailed(url, { kind, ...facts(cause) }, cause)
  if (code === 'NOPERM') return failed.with({ hint: `Give this user: ~{migrate}:* ${NEEDED_RIGHTS}` })
  if (code === 'NOAUTH')
    return failed.with({ hint: 'The server wants a password: redis://:password@host:6379' })
  if (/DB index is out of range/i.test(messageOf(cause)))
    return failed.with({ hint: 'Correct the number of the database at the end of the URL.' })
  if (/SELECT is not allowed in cluster mode/i.test(messageOf(cause)))
    return failed.with({ hint: 'A cluster has database 0 alone: leave the number out of the URL.' })
  return failed
}

function isRefusedLogin(thrown: unknown): boolean {
  const code = codeOf(thrown)
  return (
    code !== null &&
    (REFUSED_LOGINS.has(code) || /^ERR (?:invalid password|Client sent AUTH)/i.test(messageOf(thrown)))
  )
}

/** Worth another try while the user lets us wait. */
export function mayPass(thrown: unknown): boolean {
  const code = codeOf(thrown)
  return code === null || NOT_NOW.has(code) || code === 'CLUSTERDOWN'
}
