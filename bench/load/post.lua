-- wrk: POST a small event; at the end, one line of JSON with what was counted.
wrk.method = 'POST'
wrk.body = '{"a":1}'
wrk.headers['Content-Type'] = 'application/json'

done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"errors":%d,"seconds":%.6f,"p50":%d,"p99":%d}\n',
    summary.requests,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration / 1e6,
    latency:percentile(50),
    latency:percentile(99)
  ))
end
