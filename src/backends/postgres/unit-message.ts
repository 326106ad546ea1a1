import type { AtomicUnit, Statement } from '../../backend/index.js'
import { postgresFlavour, renderChange, type SqlFlavour, type SqlNames } from '../sql/index.js'
import type { Link } from './link.js'

export type PartRole = 'begin' | 'statement' | 'metadata' | 'guard' | 'commit' | 'restore' | 'restored'

/** One statement of a message, and whose it is. */
export interface Part {
  readonly role: PartRole
  readonly unit: AtomicUnit
  readonly text: string
  /** Of `statement`: which one. */
  readonly index: number
  readonly statement?: Statement
}

/** A message as it is sent, with the place of each of its parts. */
export interface UnitMessage {
  readonly text: string
  readonly parts: readonly Part[]
  /** UTF-16 offsets of the parts in the text. */
  readonly starts: readonly number[]
}

/** The transaction's own clock is that of the message, which several units share. */
const BEGAN = 'revgraph.began'
const CLOCK = 'extract(epoch FROM pg_catalog.clock_timestamp())'
const ELAPSED = `CAST(1000 * (${CLOCK} - CAST(pg_catalog.current_setting('${BEGAN}') AS double precision)) AS bigint)`

const FLAVOUR: SqlFlavour = { ...postgresFlavour, elapsedMs: ELAPSED }

const REMEMBER = `pg_catalog.set_config('${BEGAN}', CAST(${CLOCK} AS text), true)`
/** Its commit does not wait for the disk: the last unit's does, for all before it. */
const HURRY = "pg_catalog.set_config('synchronous_commit', 'off', true)"

/**
 * A unit as a transaction of its own. Writing the metadata answers with the milliseconds that the unit took.
 * @param durable the commit waits for the disk
 * @throws MigrateError MIG-GRAPH-BAD-ID
 */
export function unitParts(unit: AtomicUnit, durable: boolean, names: SqlNames, link: Link): Part[] {
  const part = (role: PartRole, text: string): Part => ({ role, unit, text, index: -1 })
  const touched = unit.statements.some(({ touchesSession }) => touchesSession)
  const metadata = unit.changes.flatMap((change) => renderChange(change, names, FLAVOUR))
  const took = unit.changes.at(-1)?.kind === 'apply' ? 'duration_ms' : ELAPSED
  return [
    part('begin', 'BEGIN'),
    part(
      'begin',
      `SELECT ${[REMEMBER, ...(durable ? [] : [HURRY]), ...link.localSettings(unit.timeouts)].join(', ')}`,
    ),
    ...unit.statements.flatMap((statement, index): Part[] => [
      { role: 'statement', unit, text: statement.text, index, statement },
      ...(setsEncoding(statement) ? [part('begin', "SET client_encoding = 'UTF8'")] : []),
    ]),
    ...(touched ? link.restoreRole.map((text) => part('metadata', text)) : []),
    ...metadata.map((text, index) =>
      part('metadata', index === metadata.length - 1 ? `${text} RETURNING ${took}` : text),
    ),
    ...guardParts(unit, touched, link).map((text) => part('guard', text)),
    part('commit', 'COMMIT'),
    ...(touched ? restoreParts(unit, link) : []),
  ]
}

/** The server's own lock is let go of by a statement only: by its name, or by a function that is called. */
function guardParts({ statements }: AtomicUnit, touched: boolean, { lease, lockGuard }: Link): string[] {
  if (lease !== undefined) return [lease.guard]
  const mayLetGo = touched || statements.some(({ text }) => /advisory/i.test(text))
  return mayLetGo && lockGuard !== undefined ? [lockGuard] : []
}

/** In a transaction of its own: BEGIN would take what stands before it in the message into the next unit's. */
function restoreParts(unit: AtomicUnit, link: Link): Part[] {
  const part = (role: PartRole, text: string): Part => ({ role, unit, text, index: -1 })
  const prepared = unit.statements.some(({ summary }) => summary.startsWith('prepare'))
  return [
    part('restore', 'BEGIN'),
    ...link.restore.map((text) => part('restore', text)),
    ...(prepared ? [part('restore', 'DEALLOCATE ALL')] : []),
    part('restored', 'COMMIT'),
  ]
}

export function messageOf(parts: readonly Part[]): UnitMessage {
  const starts: number[] = []
  const texts: string[] = []
  let length = 0
  for (const { text } of parts) {
    starts.push(length)
    // A comment on the statement's last line would swallow the semicolon.
    const terminated = text.includes('--') ? `${text}\n;\n` : `${text};\n`
    texts.push(terminated)
    length += terminated.length
  }
  return { text: texts.join(''), parts, starts }
}

/** The message is UTF-8 whatever the script says of itself; and the answers have to be read. */
function setsEncoding({ touchesSession, text }: Statement): boolean {
  return touchesSession && /client_encoding|\bset\s+names\b/i.test(text)
}

/**
 * Whether each statement needs a message of its own: the server reads a whole message by the rules that hold when it
 * arrives, and this unit changes them.
 */
export function changesLexing({ statements }: AtomicUnit): boolean {
  return statements.some(
    ({ touchesSession, text }) => touchesSession && /standard_conforming_strings|backslash_quote/i.test(text),
  )
}
