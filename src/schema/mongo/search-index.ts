import type { Document } from './ejson.js'

/** Indexes of a collection for `$search` and `$vectorSearch`. The server builds them by itself after it has answered. */
export interface MongoSearchIndexOperations {
  /** Undone by dropping it. @param options `type`: default `search` */
  create(name: string, definition: Document, options?: { readonly type?: 'search' | 'vectorSearch' }): void
  /** @param options `was`: the definition before, for the down */
  update(name: string, definition: Document, options?: { readonly was?: Document }): void
  /** @param options `was`: the definition, to create it again; with its `type` */
  drop(name: string, options?: { readonly was?: Document; readonly type?: 'search' | 'vectorSearch' }): void
}

type Put = (
  call: string,
  commands: readonly Document[],
  reverse: readonly Document[] | { readonly unknown: string; readonly hint: string },
) => void

/** @param on how the caller got here, as an error names it */
export function searchIndexOperations(
  on: string,
  collection: string,
  put: Put,
  help: {
    readonly unknown: (why: string, how: string) => { readonly unknown: string; readonly hint: string }
    readonly wrong: (call: string, what: string, example: string) => Error
  },
): MongoSearchIndexOperations {
  const creation = (name: string, definition: Document, type?: string): Document => ({
    createSearchIndexes: collection,
    indexes: [{ name, ...(type === undefined ? {} : { type }), definition }],
  })
  const change = (name: string, definition: Document): Document => ({
    updateSearchIndex: collection,
    name,
    definition,
  })
  const removal = (name: string): Document => ({ dropSearchIndex: collection, name })
  const checked = (method: string, name: unknown, definition?: unknown): string => {
    const call = `${on}.${method}`
    if (typeof name !== 'string' || name === '')
      throw help.wrong(call, 'the name of a search index', "'titles'")
    const isDocument = typeof definition === 'object' && definition !== null
    if (method !== 'drop' && !isDocument)
      throw help.wrong(call, 'a definition', '{ mappings: { dynamic: true } }')
    return call
  }
  return {
    create(name, definition, { type } = {}) {
      put(checked('create', name, definition), [creation(name, definition, type)], [removal(name)])
    },
    update(name, definition, { was } = {}) {
      const back =
        was === undefined
          ? help.unknown('does not say how it was', 'Say { was: { … } }')
          : [change(name, was)]
      put(checked('update', name, definition), [change(name, definition)], back)
    },
    drop(name, { was, type } = {}) {
      const back =
        was === undefined
          ? help.unknown('names a search index and does not say what it is', 'Say { was: { … } }')
          : [creation(name, was, type)]
      put(checked('drop', name), [removal(name)], back)
    },
  }
}
