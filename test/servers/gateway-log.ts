import type { BSON } from 'mongodb'

/** Commands that change what there is; an index counts when it was built, and not when it was there already. */
const CHANGES: ReadonlySet<string> = new Set(['create', 'drop', 'dropIndexes', 'renameCollection', 'collMod'])

/**
 * What was done in a database since `{ gatewayLog: "begin" }`, as `{ gatewayLog: 1 }` tells it: commands that no other server
 * has. What is done while the server is killed may be missing.
 */
export class GatewayLogs {
  readonly #lines = new Map<string, string[]>()

  begin(database: string): void {
    this.#lines.set(database, [])
  }

  /** Null where none was begun. */
  of(database: string): { readonly what: string }[] | null {
    return this.#lines.get(database)?.map((what) => ({ what })) ?? null
  }

  note(database: string, name: string, command: BSON.Document, reply: BSON.Document): void {
    const target = String(command[name])
    // A renaming is a command of the server's, and names databases.
    const dot = name === 'renameCollection' ? target.indexOf('.') : -1
    const lines = this.#lines.get(dot < 0 ? database : target.slice(0, dot))
    if (lines === undefined || Number(reply['ok']) !== 1) return
    const built = Number(reply['numIndexesAfter']) - Number(reply['numIndexesBefore'])
    if (CHANGES.has(name) || built > 0)
      lines.push(`${name} ${target.slice(dot + 1)}${name === 'collMod' ? shown(command) : ''}`)
  }

  forget(database: string): void {
    this.#lines.delete(database)
  }
}

const shown = (command: BSON.Document): string =>
  ` ${JSON.stringify({ index: command['index'] as unknown, validator: command['validator'] as unknown })}`
