import type { ServerInfo } from '../../backend/index.js'
import type { SqlFlavour } from '../sql/flavour.js'
import { mariadbFlavour, mysqlFlavour } from '../sql/flavours.js'
import { setRole } from './role-name.js'
import { witnessExpression } from './witness.js'

/** What differs between the two servers of this folder. */
export interface ServerKind {
  readonly product: 'MySQL' | 'MariaDB'
  readonly dialect: 'mysql' | 'mariadb'
  /** From which version on CREATE TABLE … SELECT happens whole or not at all; null for none. */
  readonly atomicSelectFrom: number | null
  readonly flavour: SqlFlavour
  /** The variable of a time limit for statements, and its value for milliseconds. */
  readonly statementTimeout: { readonly variable: string; readonly value: (ms: number) => string }
  /** Takes the roles back that a login gives; MariaDB has at most one. */
  readonly resetRole: string
  /** The role is the configuration's, and what may set anything may have set another. */
  readonly hasOwnRole?: boolean
}

const MYSQL: ServerKind = {
  product: 'MySQL',
  dialect: 'mysql',
  atomicSelectFrom: 80_021,
  flavour: { ...mysqlFlavour, witness: (subject) => witnessExpression(subject, 'mysql') },
  // Of SELECT alone: the server limits nothing else.
  statementTimeout: { variable: 'max_execution_time', value: String },
  resetRole: 'SET ROLE DEFAULT',
}

const MARIADB: ServerKind = {
  product: 'MariaDB',
  dialect: 'mariadb',
  atomicSelectFrom: null,
  flavour: { ...mariadbFlavour, witness: (subject) => witnessExpression(subject, 'mariadb') },
  statementTimeout: { variable: 'max_statement_time', value: (ms) => String(ms / 1_000) },
  resetRole: 'SET ROLE NONE',
}

/**
 * From what VERSION() says: `9.7.4`, `11.8.3-MariaDB-1`, `5.5.5-10.6.2-MariaDB` in front of old clients.
 * @param role that the session has taken on
 */
export function serverKind(version: string, role?: string): ServerKind {
  const kind = /mariadb/i.test(version) ? MARIADB : MYSQL
  return role === undefined ? kind : { ...kind, resetRole: setRole(role), hasOwnRole: true }
}

export function serverInfo(text: string): ServerInfo {
  const version = text.replace(/^5\.5\.5-(?=\d)/, '')
  const [major = 0, minor = 0, patch = 0] = (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number)
  return { product: serverKind(text).product, version, number: major * 10_000 + minor * 100 + patch }
}

/** Seconds: as long as both variables allow, a year. */
const NO_LIMIT = 31_536_000

/** The servers count whole seconds, and 0 is not no limit to them. */
export const lockSeconds = (ms: number): number => Math.ceil(ms / 1_000) || NO_LIMIT
