import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { ListenerFilterChainMatchPredicate } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import { milliseconds } from "../../lib/match/duration.ts";
import type { InspectRules } from "./inspect.ts";

type PortTest = (port: number) => boolean;

/** What a listener wants to know of connections to a port; its inspectors may leave some ports out. */
export function compileInspection(listener: Listener): (port: number) => InspectRules {
  const rest = {
    timeoutMs: milliseconds(listener.listenerFiltersTimeout) ?? 15_000,
    continueOnTimeout: listener.continueOnListenerFiltersTimeout,
  };
  const tls = inspects(listener, "envoy.filters.listener.tls_inspector");
  const http = inspects(listener, "envoy.filters.listener.http_inspector");
  return (port) => ({ tls: tls(port), http: http(port), ...rest });
}

function inspects({ listenerFilters }: Listener, name: string): PortTest {
  const filter = listenerFilters.find((one) => one.name === name);
  if (filter === undefined) return () => false;
  if (filter.filterDisabled === undefined) return () => true;
  const disabled = compilePredicate(filter.filterDisabled);
  return (port) => !disabled(port);
}

function compilePredicate({ rule }: ListenerFilterChainMatchPredicate): PortTest {
  switch (rule?.$case) {
    case "anyMatch":
      return () => rule.value;
    case "destinationPortRange":
      return (port) => port >= rule.value.start && port < rule.value.end;
    case "notMatch": {
      const test = compilePredicate(rule.value);
      return (port) => !test(port);
    }
    case "orMatch": {
      const tests = rule.value.rules.map(compilePredicate);
      return (port) => tests.some((test) => test(port));
    }
    case "andMatch": {
      const tests = rule.value.rules.map(compilePredicate);
      return (port) => tests.every((test) => test(port));
    }
    default:
      throw new Error("a listener filter is left out by a rule of an unknown kind");
  }
}
