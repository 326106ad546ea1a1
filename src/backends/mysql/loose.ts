import type { Statement } from '../../backend/index.js'
import { classifySql } from '../../sql/classify.js'
import type { SqlDialect } from '../../sql/types.js'
import { looseQuery, throughQuery, type Asking } from './loose-catalogue.js'
import { nameList, namesIn, wordsIn, type NameList } from './loose-names.js'

/** Something whose use may write rows that no transaction holds. All in lower case. */
interface Loose {
  readonly schema: string
  readonly name: string
  /** A stored function or procedure: it is enough to call it. */
  readonly program: boolean
}

interface Seen {
  /** Engines that have no transactions. */
  readonly unsafe: ReadonlySet<string>
  /** Of a table that is made with no word of its engine. */
  readonly engine: string
  readonly loose: readonly Loose[]
  readonly list: NameList
}

/** Without a call of a function these write to no table that outlives the session. */
const READS = /^(select|values|table|set|use|do|show|explain|describe|desc|help|handler|create|drop)\b/
/** Statements of which it is known what they make. Of all others (CALL, EXECUTE, IMPORT, BEGIN NOT ATOMIC) it is not. */
const KNOWN =
  /^(create|alter|rename|drop|truncate|analyze|optimize|check|repair|flush|grant|revoke|lock|unlock|kill|purge|insert|update|delete|replace|load)\b/
const MAKES = /^(create|alter|rename)\b/

/** Worth a question already before rows are written. */
const SUSPECT = /\bengine\b[\s=]*['"`]?(myisam|memory|heap|aria|csv|archive|merge|mrg_myisam|federated)\b/i

/** Other names of engines without transactions. */
const ALIASES = ['heap', 'merge', 'maria']

const OWN_SCHEMA = 'mysql'

/**
 * What is outside of every transaction: tables whose engine has none, by what the server says of its engines, and the
 * views, the triggered tables and the stored programs that lead to them. A statement that names one of these is run on
 * its own, behind its entry in the journal; any other is in the transaction.
 *
 * The catalogue is asked once, before the first statement that could write rows, and again only when something may have
 * made another such table since. What a user may not see there (a view of somebody else's, a trigger) is not known here:
 * what such a statement leaves is told by the warning that ROLLBACK then gives, see {@link MysqlSession.transaction}.
 */
export class LooseTables {
  readonly #asking: Asking
  readonly #dialect: SqlDialect
  /** Undefined while what the catalogue said is not to be relied on. */
  #seen: Seen | undefined
  /** Default databases of the session, of now and before: what a name without its database may mean. */
  readonly #homes = new Set<string>()

  constructor(asking: Asking, dialect: SqlDialect) {
    this.#asking = asking
    this.#dialect = dialect
  }

  /** The statements among these that may write such rows, as things stand and as the statements before leave them. */
  async among(statements: readonly Statement[]): Promise<ReadonlySet<Statement>> {
    const found = new Set<Statement>()
    // To be expected of what comes after them: what they make.
    const suspect = ({ transaction, text }: Statement): boolean =>
      transaction === 'commits' && SUSPECT.test(text)
    if (this.#seen === undefined && !statements.some((one) => couldWrite(one) || suspect(one))) return found
    this.#seen ??= await this.#look()
    let seen = this.#seen
    for (const statement of statements) {
      if (couldWrite(statement) && this.#reaches(statement, seen)) found.add(statement)
      this.#expect(statement, seen)
      seen = this.#seen
    }
    return found
  }

  /** Of a statement that is about to run. */
  runs(statement: Statement): void {
    if (this.#seen === undefined) return
    if (statement.summary === 'use') this.#enter(statement)
    else if (makesLoose(statement, this.#seen)) this.forget()
  }

  /** Anything may have been done to the tables. */
  forget(): void {
    this.#seen = undefined
  }

  #reaches(statement: Statement, seen: Seen): boolean {
    const reads = READS.test(statement.summary)
    return this.#named(statement.text, seen).some(({ program }) => program || !reads)
  }

  /** Those that a text may mean. */
  #named(text: string, { loose, list }: Seen): readonly Loose[] {
    if (!list.mayBeIn(text)) return []
    const words = namesIn(text, this.#dialect)
    return loose.filter(
      ({ schema, name }) => words.has(name) && (this.#homes.has(schema) || words.has(schema)),
    )
  }

  /** Before a run the catalogue does not know yet what its statements make. */
  #expect(statement: Statement, seen: Seen): void {
    const { summary, text } = statement
    if (summary === 'use') this.#enter(statement)
    if (!/^(create|alter)\b/.test(summary)) return
    const leads = summary === 'create table' ? /\blike\b/i.test(text) : summary.startsWith('create')
    if (!hasNoTransactions(statement, seen) && !(leads && this.#named(text, seen).length > 0)) return
    const { kind } = classifySql(text, this.#dialect)
    const path = (kind.object === 'trigger' ? kind.onPath : kind.path) ?? []
    const [name, schema] = [path.at(-1)?.toLowerCase(), path.at(-2)?.toLowerCase()]
    if (name === undefined || kind.temporary === true) return
    const program = kind.object === 'function' || kind.object === 'procedure'
    const made = [...(schema === undefined ? this.#homes : [schema])].map((home) => ({
      ...{ schema: home, name, program },
    }))
    const loose = [...seen.loose, ...made]
    this.#seen = { ...seen, loose, list: this.#listOf(loose) }
  }

  #enter({ text }: Statement): void {
    for (const word of namesIn(text, this.#dialect)) this.#homes.add(word)
    if (this.#seen !== undefined) this.#seen = { ...this.#seen, list: this.#listOf(this.#seen.loose) }
  }

  /** The server's own tables have names like user and event: where they are not at home, their schema is looked for. */
  #listOf(loose: readonly Loose[]): NameList {
    const far = (schema: string): boolean => schema === OWN_SCHEMA && !this.#homes.has(OWN_SCHEMA)
    return nameList(loose.map(({ schema, name }) => (far(schema) ? schema : name)))
  }

  async #look(): Promise<Seen> {
    const unsafe = new Set(ALIASES)
    const loose: Loose[] = []
    let engine = ''
    for (const [kind, first, second] of await this.#asking.query(looseQuery(this.#dialect))) {
      const [one, other] = [lower(first), lower(second)]
      if (kind === 'unsafe') unsafe.add(one)
      else if (kind === 'table') loose.push({ schema: one, name: other, program: false })
      else {
        engine = other
        if (first !== null) this.#homes.add(one)
      }
    }
    // Nobody's triggers write to the server's own tables.
    let edge = loose.filter(({ schema }) => schema !== OWN_SCHEMA)
    while (edge.length > 0) {
      edge = await this.#through(edge, loose)
      for (const one of edge) loose.push(one)
    }
    return { unsafe, engine, loose, list: this.#listOf(loose) }
  }

  /** What leads to one of these, and is not known yet. */
  async #through(edge: readonly Loose[], known: readonly Loose[]): Promise<Loose[]> {
    const found = new Map<string, Loose>()
    const keyOf = ({ schema, name, program }: Loose): string => JSON.stringify([schema, name, program])
    const old = new Set(known.map(keyOf))
    const names = [...new Set(edge.map(({ name }) => name))]
    for (const [kind, ...rest] of await this.#asking.query(throughQuery(names, this.#asking))) {
      const [schema = '', name = '', body = ''] = rest.map(lower)
      const words = wordsIn(body)
      const leads = edge.some(
        (one) => words.has(one.name) && (one.schema === schema || words.has(one.schema)),
      )
      const one = { schema, name, program: kind === 'program' }
      if (leads && !old.has(keyOf(one))) found.set(keyOf(one), one)
    }
    return [...found.values()]
  }
}

function couldWrite({ summary, text, transaction }: Statement): boolean {
  return transaction === 'allowed' && (!READS.test(summary) || text.includes('('))
}

const lower = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '')

/** Whether a statement that makes or alters a table says, or leaves unsaid, that it is of such an engine. */
function hasNoTransactions({ summary, text }: Statement, { unsafe, engine }: Seen): boolean {
  let said = false
  for (const [, name = ''] of text.matchAll(/\bengine\b[\s=]*['"`]?([\w$]+)/gi)) {
    if (unsafe.has(name.toLowerCase())) return true
    said = true
  }
  return summary === 'create table' && !said && unsafe.has(engine)
}

/** Whether a statement may leave something loose that was not there, or was not loose. */
function makesLoose(statement: Statement, seen: Seen): boolean {
  const { summary, text, transaction } = statement
  if (transaction === 'control') return false
  // default_storage_engine, enforce_storage_engine, NO_ENGINE_SUBSTITUTION.
  if (transaction === 'allowed') return summary.startsWith('set') && /engine/i.test(text)
  if (!KNOWN.test(summary)) return true
  return MAKES.test(summary) && (hasNoTransactions(statement, seen) || seen.list.mayBeIn(text))
}
