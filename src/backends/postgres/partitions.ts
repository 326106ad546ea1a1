import type { Statement } from '../../backend/index.js'
import { postgresSubject, type DetachedSubject } from '../../sql/subjects-postgres.js'
import { oidOf } from './indexes.js'

/*
 * DETACH PARTITION … CONCURRENTLY is two transactions of the server's: the first marks the partition, the second lets
 * go of it once nobody uses the table any more. Whoever is ended while waiting leaves it marked, out of the table for
 * every query that begins, and refused to a second CONCURRENTLY: FINALIZE alone goes on (PostgreSQL's manual, ALTER TABLE).
 */

/** The table, and its partition if it is one: oids. */
export function statesOfPartition({ table, partition }: DetachedSubject): readonly [string, string] {
  const parent = oidOf(table)
  return [parent, `(SELECT i.inhrelid ${linkOf(parent, oidOf(partition))})`]
}

const linkOf = (parent: string, partition: string): string =>
  `FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = ${parent} AND i.inhrelid = ${partition}`

/** A row while the partition exists: its oid, its name, whether it is in the table still. */
export const partitionQuery = (parent: string, partition: string): string =>
  `SELECT c.oid, c.relname, EXISTS (SELECT 1 ${linkOf(parent, partition)}) FROM pg_catalog.pg_class AS c WHERE c.oid = ${partition}`

export interface Detaching {
  /** The partition, as written. */
  readonly partition: string
  /** A row where it is marked, and not let go of. */
  readonly pending: string
  /** The statement that goes on from there. */
  readonly finalize: string
}

/** The first that can do so, and has the column that tells. */
const FIRST = 140_000

/** Null for every other statement. @param server its version, as a number: 140000 */
export function detachingBy(statement: Statement, server: number): Detaching | null {
  if (statement.transaction !== 'forbidden' || server < FIRST) return null
  const subject = postgresSubject(statement.text)
  if (subject?.change !== 'detached') return null
  const [table, partition] = [subject.table.join('.'), subject.partition.join('.')]
  return {
    partition,
    pending: `SELECT 1 ${linkOf(oidOf(subject.table), oidOf(subject.partition))} AND i.inhdetachpending`,
    finalize: `ALTER TABLE ${table} DETACH PARTITION ${partition} FINALIZE`,
  }
}
