/** The server's clock as ISO 8601 in UTC; the sandbox has no os.date. */
const CLOCK = `
local function iso()
  local t = redis.call('TIME')
  local secs = tonumber(t[1])
  local ms = math.floor(tonumber(t[2]) / 1000)
  local days = math.floor(secs / 86400)
  local rest = secs - days * 86400
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local d = doy - math.floor((153 * mp + 2) / 5) + 1
  local m = mp < 10 and mp + 3 or mp - 9
  local y = yoe + era * 400 + (m <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', y, m, d,
    math.floor(rest / 3600), math.floor(rest % 3600 / 60), rest % 60, ms)
end
`

/**
 * Whether a lease is still ours. One that ran out and that nobody took since is taken back: it stands beside it who had it
 * last. Its number alone would not tell: after a fail-over it may be given out a second time.
 * Arguments: the lock's key and the fences' key, our value, the lock's name, milliseconds.
 */
const FENCE = `
local function fenced(lock, fences, value, name, lease)
  if value == '' then return false end
  local held = redis.call('GET', lock)
  if held == value then return false end
  if not held and redis.call('HGET', fences, 'holder of ' .. name) == value then
    redis.call('SET', lock, value, 'PX', lease)
    return false
  end
  return redis.error_reply('FENCED ' .. (held or ''))
end
`

/** KEYS: lock, fences. ARGV: the owner's JSON without its first brace, milliseconds, the lock's name. */
const ACQUIRE = `${CLOCK}
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local fence = redis.call('HINCRBY', KEYS[2], ARGV[3], 1)
local value = '{"since":"' .. iso() .. '","fence":' .. fence .. ',' .. ARGV[1]
redis.call('HSET', KEYS[2], 'holder of ' .. ARGV[3], value)
redis.call('SET', KEYS[1], value, 'PX', ARGV[2])
return value
`

/** 0 when it is somebody else's. KEYS: lock, fences. ARGV: our value, the lock's name, milliseconds. */
const EXTEND = `${FENCE}
if fenced(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]) then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`

/** Whatever comes late takes it no more for us. KEYS: lock, fences. ARGV: our value, the lock's name. */
const RELEASE = `
local holder = 'holder of ' .. ARGV[2]
if redis.call('HGET', KEYS[2], holder) == ARGV[1] then redis.call('HDEL', KEYS[2], holder) end
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`

/**
 * All of the changes or none. Nothing can fail between the first write and the last: types and rights are looked at
 * first. KEYS: meta, history, scripts, journal, tags, log, progress, kept, fences, lock. ARGV: our value, the lock's
 * name, milliseconds, then operations, each a word with its arguments.
 */
const WRITE = `${CLOCK}${FENCE}
local refused = fenced(KEYS[10], KEYS[9], ARGV[1], ARGV[2], ARGV[3])
if refused then return refused end
for i = 1, 9 do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= (i == 6 and 'list' or 'hash') then
    return redis.error_reply('NOTOURS ' .. KEYS[i] .. ' is a ' .. kind)
  end
end
if redis.acl_check_cmd then
  local needed = {{'HSET', KEYS[1], 'f', 'v'}, {'HDEL', KEYS[1], 'f'}, {'HINCRBY', KEYS[1], 'f', 1},
    {'LPUSH', KEYS[6], 'v'}, {'HGET', KEYS[1], 'f'}, {'HKEYS', KEYS[4]}}
  for _, command in ipairs(needed) do
    if not redis.acl_check_cmd(unpack(command)) then
      return redis.error_reply('NOPERM this user may not run ' .. command[1] .. ' on ' .. command[2])
    end
  end
end
local now = iso()
local function at(given) return given == '' and now or given end
local i = 4
while i <= #ARGV do
  local op = ARGV[i]
  if op == 'apply' then
    local id, body, scripts = ARGV[i + 1], ARGV[i + 3], ARGV[i + 4]
    local before = redis.call('HGET', KEYS[2], id)
    local seq = before and string.match(before, '^{"seq":(%d+),')
    seq = seq or redis.call('HINCRBY', KEYS[1], 'seq', 1)
    redis.call('HSET', KEYS[2], id, '{"seq":' .. seq .. ',"appliedAt":"' .. at(ARGV[i + 2]) .. '",' .. body)
    redis.call('HSET', KEYS[3], id, scripts)
    i = i + 5
  elseif op == 'revert' then
    redis.call('HDEL', KEYS[2], ARGV[i + 1])
    redis.call('HDEL', KEYS[3], ARGV[i + 1])
    i = i + 2
  elseif op == 'tag' then
    redis.call('HSET', KEYS[5], ARGV[i + 1], '{"createdAt":"' .. now .. '",' .. ARGV[i + 2])
    i = i + 3
  elseif op == 'journal' then
    redis.call('HSET', KEYS[4], ARGV[i + 1], '{"at":"' .. at(ARGV[i + 2]) .. '",' .. ARGV[i + 3])
    i = i + 4
  elseif op == 'journal-clear' then
    for _, field in ipairs(redis.call('HKEYS', KEYS[4])) do
      if string.match(field, '^%S+ %S+ (.*)$') == ARGV[i + 1] then redis.call('HDEL', KEYS[4], field) end
    end
    i = i + 2
  elseif op == 'purge' then
    for _, place in ipairs({2, 3, 4, 7}) do
      for _, field in ipairs(redis.call('HKEYS', KEYS[place])) do redis.call('HDEL', KEYS[place], field) end
    end
    i = i + 1
  elseif op == 'log' then
    redis.call('LPUSH', KEYS[6], '{"at":"' .. at(ARGV[i + 1]) .. '",' .. ARGV[i + 2])
    i = i + 3
  elseif op == 'set' then
    redis.call('HSET', KEYS[tonumber(ARGV[i + 1])], ARGV[i + 2], ARGV[i + 3])
    i = i + 4
  elseif op == 'unset' then
    redis.call('HDEL', KEYS[tonumber(ARGV[i + 1])], ARGV[i + 2])
    i = i + 3
  else
    return redis.error_reply('NOTOURS unknown operation ' .. op)
  end
end
return 'OK'
`

/** The scripts of the lock and of the metadata. */
export interface OwnScripts {
  readonly acquire: string
  readonly extend: string
  readonly release: string
  readonly write: string
}

/** Redis 7, and Valkey whatever its number. */
const FLAGS_SINCE = 70_000

/**
 * They run on a server that is at its maxmemory, too: what deletes keys could not be begun there otherwise, nor could be
 * written down what has been done.
 */
export function ownScripts({ number }: { readonly number: number }): OwnScripts {
  const head = number >= FLAGS_SINCE ? '#!lua flags=allow-oom\n' : ''
  return { acquire: head + ACQUIRE, extend: head + EXTEND, release: head + RELEASE, write: head + WRITE }
}
