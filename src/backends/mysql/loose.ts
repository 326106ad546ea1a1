import type { Statement } from '../../backend/index.js'

/** Engines whose tables hold no transaction: what is written is there, whatever is rolled back. */
const WITHOUT = ['MyISAM', 'MEMORY', 'HEAP', 'Aria', 'CSV', 'ARCHIVE', 'MERGE', 'MRG_MyISAM', 'FEDERATED']

const ENGINE = new RegExp(`\\bengine\\s*=?\\s*['"\`]?(?:${WITHOUT.join('|')})\\b`, 'i')
const MAKES =
  /^(?:create|alter)\s+(?:or\s+replace\s+)?(?:temporary\s+)?table\s+(?:if\s+(?:not\s+)?exists\s+)?(?:(?:`[^`]+`|[\w$]+)\s*\.\s*)?(?:`([^`]+)`|([^\s(`.;]+))/i
const WRITES = /^(insert|update|delete|replace)\b/

/** Where the tables end that a statement writes to. */
const ENDS: Readonly<Record<string, RegExp>> = {
  insert: /\(|\bvalues?\b|\bset\b|\bselect\b/i,
  replace: /\(|\bvalues?\b|\bset\b|\bselect\b/i,
  update: /\bset\b/i,
  delete: /\bwhere\b/i,
}

export interface Asking {
  query(sql: string): Promise<readonly (readonly unknown[])[]>
  quoted(text: string): string
}

/** Tables that are outside of every transaction: which of those are that statements name. */
export class LooseTables {
  readonly #asking: Asking
  /** By name, lower case: whether it is such a table. */
  readonly #known = new Map<string, boolean>()

  constructor(asking: Asking) {
    this.#asking = asking
  }

  /** The statements among these that write to such tables, as they are or as the statements before make them. */
  async among(statements: readonly Statement[]): Promise<ReadonlySet<Statement>> {
    const writes = new Map<Statement, readonly string[]>()
    for (const statement of statements) {
      if (statement.transaction === 'allowed' && WRITES.test(statement.summary))
        writes.set(statement, namesIn(statement))
    }
    await this.#ask(
      [...new Set([...writes.values()].flat())].filter((name) => !this.#known.has(name.toLowerCase())),
    )
    const found = new Set<Statement>()
    for (const statement of statements) {
      if (writes.get(statement)?.some((name) => this.#known.get(name.toLowerCase()) === true) === true)
        found.add(statement)
      const made = ENGINE.test(statement.text) ? MAKES.exec(statement.text) : null
      if (made !== null) this.#known.set((made[1] ?? made[2] ?? '').toLowerCase(), true)
    }
    return found
  }

  async #ask(names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    const list = (texts: readonly string[]): string =>
      texts.map((text) => this.#asking.quoted(text)).join(', ')
    const rows = await this.#asking.query(
      `SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_NAME IN (${list(names)}) AND (TABLE_SCHEMA = DATABASE() OR TABLE_SCHEMA IN (${list(names)})) AND ENGINE IN (${list(WITHOUT)})`,
    )
    for (const name of names) this.#known.set(name.toLowerCase(), false)
    for (const [name] of rows) if (typeof name === 'string') this.#known.set(name.toLowerCase(), true)
  }
}

/** Every name of the part that says where it writes: of tables, of schemas, and some keywords, which name nothing. */
function namesIn({ summary, text }: Statement): readonly string[] {
  const end = ENDS[/^\w+/.exec(summary)?.[0] ?? '']?.exec(text)?.index ?? text.length
  const head = text.slice(0, end)
  return [...head.matchAll(/`([^`]+)`|[\p{L}\p{N}_$]+/gu)].map(([word, quoted]) => quoted ?? word)
}
