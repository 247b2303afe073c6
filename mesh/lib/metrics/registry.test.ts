import { expect, test } from "vitest";
import { observe, Registry } from "./registry.ts";

test("writes counters, histograms and gauges as Prometheus reads them", () => {
  const registry = new Registry();
  registry.counter("requests_total", "requests", [["path", 'a"b\\c']]).value += 3;
  const duration = registry.histogram("duration", "ms", [["code", "200"]]);
  observe(duration, 0.5);
  observe(duration, 7);
  observe(duration, 1e9);
  registry.collect((write) => write("open", "open connections", [], 4));
  const text = registry.text();
  expect(text).toContain('# TYPE requests_total counter\nrequests_total{path="a\\"b\\\\c"} 3\n');
  expect(text).toContain('duration_bucket{code="200",le="0.5"} 1\n');
  expect(text).toContain('duration_bucket{code="200",le="5"} 1\n');
  expect(text).toContain('duration_bucket{code="200",le="10"} 2\n');
  expect(text).toContain(
    'duration_bucket{code="200",le="+Inf"} 3\nduration_sum{code="200"} 1000000007.5\nduration_count{code="200"} 3\n',
  );
  expect(text).toContain("# TYPE open gauge\nopen 4\n");
  expect(registry.text("openmetrics")).toMatch(/# TYPE requests counter\nrequests_total[\s\S]*# EOF\n$/);
});

test("the same labels are the same series; beyond the bound series are dropped and counted", () => {
  const registry = new Registry({ maxSeries: 1 });
  const first = registry.counter("a_total", "", [["x", "1"]]);
  expect(registry.counter("a_total", "", [["x", "1"]])).toBe(first);
  registry.counter("a_total", "", [["x", "2"]]).value++;
  expect(registry.text()).toContain("slipway_metric_series_dropped 1");
  expect(registry.text()).not.toContain('x="2"');
});
