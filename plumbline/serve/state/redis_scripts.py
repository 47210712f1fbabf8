"""What Redis does in one step: read histories, count an event, count an outcome. Lua, run whole or not at all.

The last two return a word first: `lost` where the state is not in this server, `claimed` with what was first, `waiting`
with the outcome that has to be counted with the event, `known` where the event came in between, and else the sequence.
"""

from __future__ import annotations

READ = """
-- KEYS: seeded, hashes. ARGV: of each hash the bytes of a row. Returns of each hash its fields and its rows, joined.
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local result = {}
for i = 2, #KEYS do
  local all, short, fields, rows, long = redis.call('HGETALL', KEYS[i]), tonumber(ARGV[i - 1]), {}, {}, false
  for j = 1, #all, 2 do
    fields[#fields + 1], rows[#rows + 1] = all[j], all[j + 1]
    long = long or #all[j + 1] > short
  end
  if long then
    for j, row in ipairs(rows) do rows[j] = row .. string.rep('\\0', 2 * short - #row) end
  end
  result[#result + 1], result[#result + 2] = table.concat(fields, ','), table.concat(rows)
end
return result
"""
ADD = """
local function add(entries, first)
  for i, entry in ipairs(entries) do
    local key, field, oldest, ttl, most, width, parts = KEYS[first + i], entry[1], entry[2], entry[3], entry[4], entry[5], entry[6]
    local value, row = redis.call('HGET', key, field), {}
    if value then
      row = {struct.unpack('<' .. string.rep('d', #value / 8), value)}
      row[#row] = nil
    else
      for c = 1, width do row[c] = 0 end
      if most > 0 and redis.call('HLEN', key) > most then
        for _, old in ipairs(redis.call('HKEYS', key)) do
          if tonumber(old) < oldest then redis.call('HDEL', key, old) end
        end
      end
    end
    for p = 1, #parts, 2 do
      local c = parts[p] + 1
      if c > #row then for more = #row + 1, 2 * width do row[more] = 0 end end
      row[c] = row[c] + parts[p + 1]
    end
    redis.call('HSET', key, field, struct.pack('<' .. string.rep('d', #row), unpack(row)))
    redis.call('PEXPIRE', key, ttl)
  end
end
local function numbered(given)
  local sequence = tonumber(given)
  if not sequence then
    sequence = redis.call('INCR', KEYS[2])
  elseif sequence > tonumber(redis.call('GET', KEYS[2]) or '0') then
    redis.call('SET', KEYS[2], given)
  end
  redis.call('SET', KEYS[3], sequence)
  return sequence
end
if redis.call('EXISTS', KEYS[1]) == 0 then return {'lost'} end
"""
EVENT = (
    ADD
    + """
-- KEYS: seeded, sequence, folded, days, newest, claim, event, outcome, one per entry
-- ARGV: claim, its ttl, event, its ttl, day, given sequence, outcome that is counted with it, entries, time
local held = redis.call('GET', KEYS[6])
if held and ARGV[6] == '' then return {'claimed', held} end
local known, outcome = redis.call('EXISTS', KEYS[7]) == 1, redis.call('GET', KEYS[8])
if outcome and not known and outcome ~= ARGV[7] then return {'waiting', outcome} end
redis.call('SET', KEYS[6], ARGV[1], 'PX', ARGV[2])
local sequence = numbered(ARGV[6])
if not known then
  redis.call('SET', KEYS[7], ARGV[3], 'PX', ARGV[4])
  redis.call('SADD', KEYS[4], ARGV[5])
  if tonumber(ARGV[9]) > tonumber(redis.call('GET', KEYS[5]) or '0') then redis.call('SET', KEYS[5], ARGV[9]) end
  add(cmsgpack.unpack(ARGV[8]), 8)
end
return {'counted', sequence}
"""
)
OUTCOME = (
    ADD
    + """
-- KEYS: seeded, sequence, folded, event, outcome, one per entry
-- ARGV: outcome, its ttl, whether the event is known (1) or was for too long (2), given sequence, entries
local known = redis.call('EXISTS', KEYS[4]) == 1
if redis.call('EXISTS', KEYS[5]) == 1 then
  return {'counted', numbered(ARGV[4]), known and 1 or 0}
end
if known and ARGV[3] == '0' then return {'known'} end
redis.call('SET', KEYS[5], ARGV[1], 'PX', ARGV[2])
local sequence = numbered(ARGV[4])
add(cmsgpack.unpack(ARGV[5]), 5)
return {'counted', sequence, ARGV[3] == '1' and 1 or 0}
"""
)
