import type { CircuitBreakers } from "#gen/xds/envoy/config/cluster/v3/circuit_breaker.ts";

export interface BreakerLimits {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

const envoyDefaults: BreakerLimits = {
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
};

/** The limits of the default priority; what a cluster leaves out is Envoy's default. */
export function breakerLimits(config: CircuitBreakers | undefined): BreakerLimits {
  const threshold = config?.thresholds.find((candidate) => candidate.priority === 0);
  return {
    maxConnections: threshold?.maxConnections ?? envoyDefaults.maxConnections,
    maxPendingRequests: threshold?.maxPendingRequests ?? envoyDefaults.maxPendingRequests,
    maxRequests: threshold?.maxRequests ?? envoyDefaults.maxRequests,
    maxRetries: threshold?.maxRetries ?? envoyDefaults.maxRetries,
  };
}

/** What a cluster has in use now, against its limits. */
export class CircuitBreaker {
  readonly limits: BreakerLimits;
  connections = 0;
  pending = 0;
  requests = 0;
  retries = 0;

  constructor(limits: BreakerLimits) {
    this.limits = limits;
  }

  get canConnect(): boolean {
    return this.connections < this.limits.maxConnections;
  }

  get canQueue(): boolean {
    return this.pending < this.limits.maxPendingRequests;
  }

  get canRequest(): boolean {
    return this.requests < this.limits.maxRequests;
  }

  get canRetry(): boolean {
    return this.retries < this.limits.maxRetries;
  }
}
