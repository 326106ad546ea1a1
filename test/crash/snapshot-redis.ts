import type { Place } from './place.js'
import { quoteWord } from '../../src/schema/redis/words.js'
import { countsOf, historyOf, type AppliedRow, type Snapshot } from './snapshot.js'

/** A command that runs a script and answers with its lines. */
export const script = (lua: string, ...words: readonly string[]): string =>
  commandOf('EVAL', lua, '0', ...words)

/** A command as a revision has it. */
export const commandOf = (...words: readonly string[]): string =>
  words.map((value) => quoteWord({ value, bytes: false })).join(' ')

/** Every key of the user's with what it holds, but for those that count. */
const KEYS = `
local lines = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  if string.sub(key, 1, 10) ~= '{migrate}:' and string.sub(key, 1, 6) ~= 'crash_' then
    local kind = redis.call('TYPE', key).ok
    local held
    if kind == 'string' then held = {redis.call('GET', key)}
    elseif kind == 'list' then held = redis.call('LRANGE', key, 0, -1)
    elseif kind == 'set' then held = redis.call('SMEMBERS', key) table.sort(held)
    elseif kind == 'zset' then held = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    else
      local all = redis.call('HGETALL', key)
      held = {}
      for i = 1, #all, 2 do held[#held + 1] = all[i] .. '=' .. all[i + 1] end
      table.sort(held)
    end
    local lasts = redis.call('TTL', key) > 0 and ' runs out' or ''
    lines[#lines + 1] = key .. ' ' .. kind .. lasts .. ': ' .. table.concat(held, ', ')
  end
end
return lines`

const TIMES = `
local lines = {}
local all = redis.call('HGETALL', 'crash_times')
for i = 1, #all, 2 do lines[#lines + 1] = all[i] .. ' ' .. all[i + 1] end
return lines`

export async function redisSnapshot(place: Place): Promise<Snapshot> {
  const lines = async (command: string): Promise<string[]> =>
    (await place.query(command)).map(([line]) => line ?? '').sort()
  const audit = new Map(countsOf(await lines('LRANGE crash_audit 0 -1')))
  for (const line of await lines(script(TIMES))) {
    const [key = '', times] = line.split(' ')
    audit.set(key, Number(times))
  }
  const rows = (await lines('HVALS {migrate}:history')).map((text) => JSON.parse(text) as AppliedRow)
  const scripts = await lines('HVALS {migrate}:scripts')
  const tags = (await lines('HVALS {migrate}:tags')).map((text) => JSON.parse(text) as Tag)
  const libraries = (await lines('FUNCTION LIST LIBRARYNAME crashlib WITHCODE')).join()
  const { history, disorder } = historyOf(rows)
  return {
    // Which keys there are and what they hold is one thing here.
    schema: [...(await lines(script(KEYS))), libraries],
    rows: [],
    audit,
    history: [...history, ...scripts],
    disorder,
    tags: tags.map(({ name, heads }) => `${name} ${JSON.stringify(heads)}`),
    format: await lines('HGET {migrate}:meta format'),
    unfinished: [
      ...(await lines('HVALS {migrate}:journal')),
      ...(await lines('HKEYS {migrate}:progress')).map((field) => `progress ${field}`),
    ],
  }
}

interface Tag {
  readonly name: string
  readonly heads: readonly string[]
}

export const redisHasApplied = async (place: Place, revision: string): Promise<boolean> =>
  (await place.query(`HEXISTS {migrate}:history ${revision}`)).length > 0
