import { commandOf } from './words.js'

/**
 * An index of the search module, behind an alias that applications ask for. `BUILD` makes it beside the one that the alias
 * has, waits until it holds everything, and moves the alias; `UNBUILD` moves it back and drops the index. `CREATE` and
 * `DROP` leave the alias where it is.
 */
export interface SearchOperation {
  readonly kind: 'search'
  readonly action: SearchAction
  readonly alias: string
  readonly index: string
  /** What FT.CREATE takes behind the name: `ON HASH PREFIX 1 product: SCHEMA name TEXT`. May be empty where it is not needed. */
  readonly definition: readonly string[]
}

const ACTIONS = ['BUILD', 'UNBUILD', 'CREATE', 'DROP'] as const
type SearchAction = (typeof ACTIONS)[number]

const EXAMPLES: Readonly<Record<SearchAction, string>> = {
  BUILD: 'REVGRAPH.SEARCHINDEX products BUILD products_v2 ON HASH PREFIX 1 product: SCHEMA name TEXT',
  UNBUILD: 'REVGRAPH.SEARCHINDEX products UNBUILD products_v2',
  CREATE: 'REVGRAPH.SEARCHINDEX products CREATE products_v1 ON HASH PREFIX 1 product: SCHEMA name TAG',
  DROP: 'REVGRAPH.SEARCHINDEX products DROP products_v1',
}

/** The operation of the words behind REVGRAPH.SEARCHINDEX, or what is wrong with them. */
export function searchOf([alias = '', given = '', index = '', ...definition]: readonly string[]):
  SearchOperation | { readonly message: string; readonly hint: string } {
  const action = ACTIONS.find((name) => name === given.toUpperCase())
  if (alias === '' || action === undefined || index === '') {
    return {
      message: `REVGRAPH.SEARCHINDEX takes an alias, one of ${ACTIONS.join(', ')}, and the name of an index.`,
      hint: `Write for example: ${EXAMPLES[action ?? 'BUILD']}`,
    }
  }
  const wrong = (message: string) => ({ message, hint: `Write for example: ${EXAMPLES[action]}` })
  if (alias === index) return wrong(`An alias cannot have the name of an index: "${alias}".`)
  const needed = action === 'BUILD' || action === 'CREATE'
  if ((needed || definition.length > 0) && !definition.some((word) => word.toUpperCase() === 'SCHEMA'))
    return wrong(`${action} takes what FT.CREATE takes behind the name, with a SCHEMA in it.`)
  return { kind: 'search', action, alias, index, definition }
}

const INVERSE: Readonly<Record<SearchAction, SearchAction>> = {
  BUILD: 'UNBUILD',
  UNBUILD: 'BUILD',
  CREATE: 'DROP',
  DROP: 'CREATE',
}

/** Null where the index that was is not said. */
export function inverseSearch({ action, alias, index, definition }: SearchOperation): string | null {
  if (definition.length === 0) return null
  return commandOf(['REVGRAPH.SEARCHINDEX', alias, INVERSE[action], index, ...definition])
}
