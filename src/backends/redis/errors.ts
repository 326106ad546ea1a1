import type { Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import {
  connectFailed,
  databaseFailed,
  halfDone,
  statementFailed,
  type Goal,
  type ServerError,
} from '../sql/errors.js'
import { tlsHint, type TlsWords } from '../sql/tls.js'
import { isCluster, type Client } from './driver.js'
import { deniedTo, missingRight, neededRights, ownKeys, type Denied } from './rights.js'

/**
 * The first word of an answer that is an error: `WRONGTYPE`, `NOPERM`. Null when the server said nothing. The driver's
 * classes have other names in a bundle, so the words are looked at.
 */
export function codeOf(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || typeof (thrown as { code?: unknown }).code === 'string') return null
  if (IN_SCRIPT.test(thrown.message)) return 'NOPERM'
  const word = /^[A-Z][A-Z0-9_]+(?= |$)/.exec(thrown.message)?.[0]
  // Modules say what is wrong without such a word; of what a server has answered the driver keeps the command.
  return word ?? ('command' in thrown ? 'ERR' : null)
}

/** How a server words that a script may not do what it does. */
const IN_SCRIPT = /^(?:ERR )?ACL failure in script: /
/** Where in a script an error arose, as servers end their message. */
const IN_LINE = / script: (?:[0-9a-f]{40}, )?on @\S+?:(\d+)\.$/

function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  // Of a cluster the driver keeps what was said last.
  const { lastNodeError } = thrown as { lastNodeError?: unknown }
  const message =
    lastNodeError instanceof Error ? `${thrown.message} ${lastNodeError.message}` : thrown.message
  if (message.trim() === '') return (thrown as { code?: unknown }).code?.toString() ?? thrown.name
  // The driver names the class of the error, which has another name in a bundle.
  return message.replace(/(?<= redirections\. Last error: )\w+: /, '')
}

const HINTS: ReadonlyMap<string, string> = new Map([
  ['WRONGTYPE', 'the key holds another kind of value; TYPE tells which'],
  ['CROSSSLOT', 'in a cluster all keys of one command must be in one slot: give them one {hash tag}'],
])

/** What is the matter with the server and not with the command, and what to do about it. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ['OOM', 'The server is at its maxmemory and evicts nothing: give it more, or delete first.'],
  ['MISCONF', 'The server cannot save to its disk and takes no writes until it can: see its log.'],
  ['NOREPLICAS', 'Too few replicas are connected for the server to take writes (min-replicas-to-write).'],
  [
    'CLUSTERDOWN',
    'A part of the cluster has no primary; CLUSTER INFO tells. The same command goes on once it has one.',
  ],
  ['LOADING', 'The server is reading its data; give it time with --wait-timeout.'],
  [
    'BUSY',
    'A script of somebody else runs on the server for long; SCRIPT KILL ends it if it has written nothing.',
  ],
  ['MASTERDOWN', 'This is a replica whose primary is gone. Connect to the primary.'],
])

/** What to do about an error that no change of a file mends. */
function remedyOf(thrown: unknown, denied: Denied | null = null): string | undefined {
  const code = codeOf(thrown) ?? ''
  const missing = code === 'NOPERM' ? missingRight(messageOf(thrown), denied) : null
  return missing?.remedy ?? REMEDIES.get(code)
}

/** @param script whose script it was: of ours nobody wants to know the line */
function facts(
  thrown: unknown,
  script: 'ours' | 'theirs' = 'theirs',
  denied: Denied | null = null,
): ServerError {
  const code = codeOf(thrown)
  const message = messageOf(thrown)
    .replace(IN_LINE, script === 'ours' ? '' : ' (line $1 of the script)')
    .replace(IN_SCRIPT, '')
  const missing = code === 'NOPERM' ? missingRight(messageOf(thrown), denied) : null
  return {
    message: code === null ? message : message.replace(/^ERR /, ''),
    ...(code === null || code === 'ERR' ? {} : { code }),
    hint: HINTS.get(code ?? ''),
    ...(missing === null ? {} : { facts: [`missing right: ${missing.right}`] }),
  }
}

/** The server's answer leaves open whether the command was executed, or is none. */
const IN_DOUBT: ReadonlySet<string> = new Set(['UNBLOCKED', 'CLUSTERDOWN', 'TRYAGAIN'])

const READ_ONLY: ReadonlySet<string> = new Set(['READONLY'])
const NOT_NOW: ReadonlySet<string> = new Set(['LOADING', 'MASTERDOWN', 'BUSY'])

/** A node of a cluster has given no answer; null where it is not known which. */
export class LostNode extends Error {
  readonly node: string | null
  readonly asked: 'metadata' | undefined

  /** @param asked what it was asked for, where that is not the user's command */
  constructor(node: string | null, cause: unknown, asked?: 'metadata') {
    super(messageOf(cause), { cause })
    this.node = node
    this.asked = asked
  }
}

/** Asks the server what it has refused, where it has. */
export async function explainStatement(
  thrown: unknown,
  statement: Statement,
  client: Client,
): Promise<MigrateError> {
  const code = thrown instanceof MigrateError ? '' : codeOf(thrown)
  const refused = code === 'NOPERM' && thrown instanceof Error
  const lostNode = code === null && isCluster(client) && !(thrown instanceof LostNode)
  const { cause } = thrown instanceof BrokenOff ? thrown : {}
  return explained(
    lostNode ? new LostNode(cause instanceof LostNode ? cause.node : null, thrown) : thrown,
    statement,
    refused ? await deniedTo(thrown, statement, client) : null,
  )
}

function explained(thrown: unknown, statement: Statement, denied: Denied | null): MigrateError {
  const place = { position: statement.position }
  if (thrown instanceof MigrateError) return thrown.position === undefined ? thrown.with(place) : thrown
  const code = codeOf(thrown)
  if (code === null || IN_DOUBT.has(code)) return lost(thrown).with(place)
  if (READ_ONLY.has(code)) return readOnly(thrown).with(place)
  if (thrown instanceof BrokenOff || stopsScript(thrown, statement))
    return halfDone(statement, facts(thrown, 'theirs', denied), thrown)
  return statementFailed(statement, facts(thrown, 'theirs', denied), thrown).with(remedied(thrown, denied))
}

function remedied(thrown: unknown, denied: Denied | null = null): { hint?: string } {
  const hint = remedyOf(thrown, denied)
  return hint === undefined ? {} : { hint }
}

/** A key at which a long step has stopped, by what its script was told. */
export async function explainKey(
  key: string,
  said: string,
  statement: Statement,
  client: Client,
): Promise<MigrateError> {
  const thrown = new Error(said)
  const code = codeOf(thrown)
  if (code !== null && READ_ONLY.has(code)) return readOnly(thrown).with({ position: statement.position })
  const denied = code === 'NOPERM' ? await deniedTo(thrown, statement, client) : null
  const error = facts(thrown, 'theirs', denied)
  return statementFailed(statement, { ...error, message: `${key}: ${error.message}` }, thrown).with(
    remedied(thrown, denied),
  )
}

const SCRIPTS: ReadonlySet<string> = new Set(['eval', 'evalsha', 'fcall'])
/** A script that was not begun: there is none, it is no Lua, or nobody may run it. */
const NOT_BEGUN =
  /^(?:NOSCRIPT|ERR (?:Error compiling|Function not found|wrong number of arg|Number of keys|value is not an integer)|OOM allow-oom flag|NOPERM .* run the '(?:eval|evalsha|fcall)'|NOPERM (?:No permissions to access|this user has no permissions to access one of the keys))/i

/** What a script had done before it met an error stands. */
const stopsScript = (thrown: unknown, { summary }: Statement): boolean =>
  SCRIPTS.has(summary.split(' ', 1)[0]?.toLowerCase() ?? '') && !NOT_BEGUN.test(messageOf(thrown))

/** A command for several servers that one of them has refused after others had done it. */
export class BrokenOff extends Error {
  constructor(cause: unknown, done: number) {
    super(`${messageOf(cause)} (${done} ${done === 1 ? 'server has' : 'servers have'} done it)`, { cause })
  }
}

/** @param own what the metadata's keys begin with */
export function explain(thrown: unknown, doing: string, own: string): MigrateError {
  if (thrown instanceof MigrateError) return thrown
  const code = codeOf(thrown)
  if (code === null) return lost(thrown)
  if (READ_ONLY.has(code)) return readOnly(thrown)
  if (code === 'FENCED') return lockLost(messageOf(thrown))
  if (code === 'NOPERM') return noRights(doing, thrown, own)
  if (code === 'NOTOURS')
    return notOurs(`The metadata cannot be written: ${messageOf(thrown).slice(8)}.`).with({
      state: 'Nothing was changed.',
    })
  if (code === 'WRONGTYPE')
    return notOurs(
      `${doing} failed: one of the keys ${own}* holds another kind of value than revgraph gives it.`,
    )
  return databaseFailed(doing, facts(thrown, 'ours'), thrown).with(remedied(thrown))
}

function notOurs(message: string): MigrateError {
  return new MigrateError('MIG-METADATA-CORRUPT', message, {
    hint: 'Rename that key (TYPE tells of what kind each is), or give the metadata another prefix in the configuration.',
  })
}

function noRights(doing: string, thrown: unknown, own: string): MigrateError {
  const { message, facts: lines = [] } = facts(thrown, 'ours', { user: 'USER', rules: [ownKeys(own)] })
  return new MigrateError('MIG-DATABASE', `${doing} failed: ${message}`, {
    details: ['code: NOPERM', ...lines, `revgraph itself needs: ${neededRights(own)}`],
    hint: 'Give the user these rights (ACL SETUSER), beside those that its revisions need.',
    cause: thrown,
  })
}

export function lockLost(message: string): MigrateError {
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

/** What the driver says when it stops waiting. */
const TOO_LATE = 'Command timed out'

function lost(thrown: unknown): MigrateError {
  const code = codeOf(thrown)
  if (code === null && messageOf(thrown) === TOO_LATE) {
    return new MigrateError(
      'MIG-DATABASE',
      'The server gave no answer within the statement time-out, and may go on.',
      {
        hint: 'See where the database stands with: migrate status',
        cause: thrown,
      },
    )
  }
  const ofCluster = thrown instanceof LostNode
  const remedy = ofCluster ? REMEDIES.get('CLUSTERDOWN') : remedyOf(thrown)
  const lead = ofCluster
    ? `${thrown.asked === 'metadata' ? "The primary of the cluster that has revgraph's own keys" : 'A primary of the cluster'}${thrown.node === null ? '' : `, ${thrown.node},`} does not answer`
    : remedy === undefined
      ? 'The connection to the server was lost'
      : 'The server gave no answer'
  return new MigrateError('MIG-DATABASE', `${lead}: ${messageOf(thrown)}`, {
    hint: remedy ?? 'See where the database stands with: migrate status',
    details: code === null ? [] : [`code: ${code}`],
    cause: thrown,
  })
}

export function strayedReplica(): MigrateError {
  return new MigrateError(
    'MIG-READ-ONLY',
    'The server is a replica that takes writes (replica-read-only no): what is written to it its primary never has, and it loses it when it is in step again.',
    { hint: PRIMARY },
  )
}

const PRIMARY = 'This is a replica. Connect to the primary that it follows.'

function readOnly(thrown: unknown): MigrateError {
  return new MigrateError('MIG-READ-ONLY', `The server takes no writes: ${facts(thrown, 'ours').message}`, {
    hint: PRIMARY,
    cause: thrown,
  })
}

const REFUSED_LOGINS: ReadonlySet<string> = new Set(['WRONGPASS', 'NOAUTH', 'NOPERM'])

/** @param said what the driver told beside the error itself */
export function explainConnect(thrown: unknown, goal: Goal, own: string, said?: unknown): MigrateError {
  if (thrown instanceof MigrateError) return thrown
  const isBetter = said !== undefined && (codeOf(thrown) === null || codeOf(said) === 'WRONGPASS')
  const cause = isBetter ? said : thrown
  const code = codeOf(cause)
  const kind = isRefusedLogin(cause) ? 'MIG-AUTHENTICATION' : 'MIG-CONNECT'
  const failed = connectFailed(goal, { kind, ...facts(cause) }, cause)
  const remedy = REMEDIES.get(code ?? '') ?? encryptionHint(cause, goal.url)
  if (remedy !== undefined) return failed.with({ hint: remedy })
  if (code === 'NOPERM') return failed.with({ hint: `Give this user: ${neededRights(own)}` })
  if (code === 'NOAUTH')
    return failed.with({ hint: 'The server wants a password: redis://:password@host:6379' })
  if (messageOf(cause) === TOO_LATE)
    return failed.with({ hint: 'The statement time-out counts for the first words as well: give it longer.' })
  if (/DB index is out of range/i.test(messageOf(cause)))
    return failed.with({ hint: 'Correct the number of the database at the end of the URL.' })
  if (/SELECT is not allowed in cluster mode/i.test(messageOf(cause)))
    return failed.with({ hint: 'A cluster has database 0 alone: leave the number out of the URL.' })
  return failed
}

const WORDS: TlsWords = {
  disable: 'redis://',
  anyName: '--ssl-mode verify-ca',
}

function encryptionHint(thrown: unknown, url: string | undefined): string | undefined {
  const { code } = thrown as { code?: unknown }
  const told = tlsHint(typeof code === 'string' ? code : undefined, messageOf(thrown), WORDS)
  if (told !== undefined) return told
  // A server that was spoken to in the wrong way says nothing, or hangs up.
  const scheme = /^\w+/.exec(url ?? '')?.[0]
  if (/ETIMEDOUT/.test(messageOf(thrown)) && (scheme === 'rediss' || scheme === 'valkeys'))
    return 'See whether the server speaks TLS at this port; redis:// is without.'
  if (
    /Connection is closed|ECONNRESET|EPIPE/.test(messageOf(thrown)) &&
    (scheme === 'redis' || scheme === 'valkey')
  )
    return 'See whether the server wants TLS at this port: rediss://, or --ssl-mode verify-full.'
  return undefined
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
