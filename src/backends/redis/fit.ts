import type { ServerInfo, Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { splitPattern } from '../../schema/redis/glob.js'
import type { SearchOperation } from '../../schema/redis/search.js'
import { isCluster, type Client } from './driver.js'
import { explainStatement } from './errors.js'
import { scriptOf } from './keys-lua.js'
import { argumentsOf, operationIn } from './statements.js'

/** What a statement wants of the search module, which a server may have whole, in part or not at all. */
interface Need {
  readonly statement: Statement
  readonly operation: SearchOperation | null
  readonly commands: readonly string[]
}

/**
 * Refuses what wants commands of the search module that this server has not got. Others are the server's to refuse.
 * @throws MigrateError MIG-UNSUPPORTED at the statement
 */
export async function refuseLacking(
  statements: readonly Statement[],
  client: Client,
  server: ServerInfo,
): Promise<void> {
  const needs = statements.flatMap(needOf)
  const [first] = needs
  if (first === undefined) return
  const inCluster = isCluster(client) ? needs.find(({ operation }) => operation !== null) : undefined
  if (inCluster !== undefined) {
    throw refused(
      inCluster,
      'REVGRAPH.SEARCHINDEX is not run in a cluster.',
      'Give the commands of the search module by themselves: FT.CREATE, FT.ALIASUPDATE, FT.DROPINDEX.',
    )
  }
  const names = [...new Set(needs.flatMap(({ commands }) => commands))]
  let known: ReadonlySet<string>
  try {
    const answer = (await client.call('COMMAND', 'INFO', ...names)) as (unknown[] | null)[]
    known = new Set(names.filter((_, at) => answer[at] !== null && answer[at]?.[0] !== undefined))
  } catch (error) {
    throw await explainStatement(error, first.statement, client)
  }
  for (const need of needs) {
    const lacking = need.commands.find((name) => !known.has(name))
    if (lacking !== undefined) throw lack(need, lacking, server)
  }
}

/**
 * Refuses a renaming of keys into those of the tool's own.
 * @param own what the metadata's keys begin with
 * @throws MigrateError MIG-COMMAND-REFUSED at the statement
 */
export function refuseOwnNames(statements: readonly Statement[], own: string): void {
  for (const statement of statements) {
    const operation = operationIn(statement.text)
    if (operation?.kind !== 'keys' || operation.action.name !== 'RENAME') continue
    const { to } = operation.action
    if (!splitPattern(to).prefix.startsWith(own)) continue
    throw new MigrateError('MIG-COMMAND-REFUSED', `"${to}" names keys of revgraph's own (${own}…).`, {
      position: statement.position,
      hint: 'Give the keys other new names.',
      state: 'Nothing was run.',
    })
  }
}

/**
 * Refuses scripts of TRANSFORM that are no Lua: where no key matched they would pass, and fail where some do.
 * @throws MigrateError MIG-COMMAND-SYNTAX at the statement
 */
export async function refuseBrokenScripts(statements: readonly Statement[], client: Client): Promise<void> {
  for (const { text, position } of statements) {
    const operation = operationIn(text)
    if (operation?.kind !== 'keys' || operation.action.name !== 'TRANSFORM') continue
    const { lua, args } = scriptOf(operation.action)
    // Of no key: it is compiled, and does nothing. What else the server has against it is told when it runs.
    const refusal = await client.eval(lua, 0, ...args).then(
      () => null,
      (error: unknown) => /Error compiling script[^]*?: ([^]*)/.exec(String(error))?.[1] ?? null,
    )
    if (refusal === null) continue
    throw new MigrateError('MIG-COMMAND-SYNTAX', `The script of TRANSFORM is no Lua: ${refusal}`, {
      position,
      hint: 'Correct the script; the number behind user_script is its line.',
      state: 'Nothing was run.',
    })
  }
}

function needOf(statement: Statement): Need[] {
  const operation = operationIn(statement.text)
  if (operation === null) {
    const name = String(argumentsOf(statement.text)[0]).toUpperCase()
    return name.startsWith('FT.') ? [{ statement, operation, commands: [name] }] : []
  }
  if (operation.kind !== 'search') return []
  const { action } = operation
  const alias = action === 'BUILD' || action === 'UNBUILD' ? ['FT.ALIASUPDATE', 'FT.ALIASDEL'] : []
  return [{ statement, operation, commands: ['FT.CREATE', 'FT.INFO', 'FT.DROPINDEX', ...alias] }]
}

function lack(need: Need, name: string, { product, version }: ServerInfo): MigrateError {
  const who = `${product} ${version}`
  if (need.operation === null || !name.startsWith('FT.ALIAS'))
    return refused(
      need,
      `${who} has no ${name}: the search module is not loaded here.`,
      'Load the module (Redis 8 as redis.io builds it has it, as has the Valkey bundle), or leave this out here.',
    )
  return refused(
    need,
    `${who} has search indexes and no aliases of them (${name}).`,
    'Create and drop indexes without an alias (create, drop; FT.CREATE, FT.DROPINDEX), and have the application ask for the new name.',
  )
}

function refused({ statement }: Need, message: string, hint: string): MigrateError {
  return new MigrateError('MIG-UNSUPPORTED', message, {
    position: statement.position,
    hint,
    state: 'Nothing was run.',
  })
}
