import type { KeyAction } from '../../schema/redis/operations.js'

/**
 * What is done to the keys of one batch: KEYS are the keys (of a renaming each followed by its new name), ARGV what the
 * action takes. Each key is one step that may run twice. The answer is a {@link KeyAnswer}.
 */
export interface KeyScript {
  readonly lua: string
  readonly args: readonly (string | number)[]
}

/**
 * How many keys were changed; the place in KEYS of the one at which the script stopped, or 0; why; then the places of those
 * that could not be changed and were left.
 */
export type KeyAnswer = readonly [done: number, stopped: number, why: string, ...left: number[]]

/** @param step the body of a function of `key` and `name`: how often it changed something, or nil for a key that is left */
const each = (step: string, stride = 1): string => `
local function step(key, name)
${step}
end
${over(stride)}`

const over = (stride: number): string => `
local done, left = 0, {}
for i = 1, #KEYS, ${stride} do
  local ok, answer = pcall(step, KEYS[i], KEYS[i + 1])
  if not ok then
    return {done, i, type(answer) == 'table' and answer.err or tostring(answer), unpack(left)}
  end
  if answer then done = done + answer else left[#left + 1] = i end
end
return {done, 0, '', unpack(left)}
`

const DELETE = each(`return redis.call('UNLINK', key)`)
const PERSIST = each(`return redis.call('PERSIST', key)`)
const EXPIRE = each(`
  if ARGV[2] == 'NX' and redis.call('PTTL', key) ~= -1 then return 0 end
  return redis.call('EXPIRE', key, ARGV[1])`)

const RENAME = each(
  `
  local answer = redis.pcall(ARGV[1], key, name)
  if type(answer) == 'table' and answer.err then
    -- Gone, or renamed already: SCAN may tell of a key twice.
    if string.find(answer.err, 'no such key', 1, true) then return 0 end
    error(answer)
  end
  if answer ~= 0 then return 1 end`,
  2,
)

/**
 * A list, a set and a sorted set hold members: what differs is their order, their scores and whether one is there twice.
 * Once the old value is deleted nothing may fail: the new command is first tried on the old value, whose kind is wrong.
 */
const RETYPE = each(`
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' or kind == ARGV[1] then return 0 end
  local members
  if kind == 'list' then members = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'set' then members = redis.call('SMEMBERS', key)
  elseif kind == 'zset' then members = redis.call('ZRANGE', key, 0, -1)
  else return nil end
  local add = ({list = 'RPUSH', set = 'SADD', zset = 'ZADD'})[ARGV[1]]
  local tried = ARGV[1] == 'zset' and redis.pcall(add, key, 0, '') or redis.pcall(add, key, '')
  if not string.find(tried.err, 'WRONGTYPE', 1, true) then error(tried) end
  local ttl = redis.call('PTTL', key)
  -- In its last millisecond it has 0 left, and must not stay for ever.
  if ttl == 0 then ttl = 1 end
  if ttl > 0 then redis.call('PEXPIRE', key, ttl) end
  redis.call('DEL', key)
  local chunk = {}
  for place, member in ipairs(members) do
    if ARGV[1] == 'zset' then chunk[#chunk + 1] = place - 1 end
    chunk[#chunk + 1] = member
    if #chunk >= 1000 then
      redis.call(add, key, unpack(chunk))
      chunk = {}
    end
  end
  if #chunk > 0 then redis.call(add, key, unpack(chunk)) end
  if ttl > 0 then redis.call('PEXPIRE', key, ttl) end
  return 1`)

/** The user's own script runs once a key, as if that were the only one; its lines keep their numbers. */
const transform = (lua: string): string => `local function theirs(KEYS, ARGV) ${lua}
end
local function step(key)
  theirs({key}, {})
  return 1
end
${over(1)}`

export function scriptOf(action: KeyAction): KeyScript {
  switch (action.name) {
    case 'DELETE':
      return { lua: DELETE, args: [] }
    case 'PERSIST':
      return { lua: PERSIST, args: [] }
    case 'EXPIRE':
      return { lua: EXPIRE, args: [action.seconds, action.onlyWithout ? 'NX' : ''] }
    case 'RENAME':
      return { lua: RENAME, args: [action.taken === 'REPLACE' ? 'RENAME' : 'RENAMENX'] }
    case 'RETYPE':
      return { lua: RETYPE, args: [action.type] }
    case 'TRANSFORM':
      return { lua: transform(action.lua), args: [] }
  }
}
