-- Sends requests from files, drawn at random, and reports what came of them as one line of JSON.
-- Arguments: a seed, and for each thread the host and the port it connects to and its file (for each request its length
-- on a line, then its bytes).

local requests = {}
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  local host, port, path = args[2 + 3 * number], args[3 + 3 * number], args[4 + 3 * number]
  wrk.thread.addr = assert(wrk.lookup(host, port)[1], "no address " .. host .. ":" .. port)
  local file = assert(io.open(path, "rb"))
  while true do
    local length = file:read("*l")
    if not length then break end
    requests[#requests + 1] = file:read(tonumber(length))
  end
  file:close()
  assert(#requests > 0, "no requests in " .. path)
  math.randomseed(tonumber(args[1]) * 16 + number)
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\nREPORT {"requests":%d,"duration_us":%d,"bytes":%d,"failed":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d},"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
