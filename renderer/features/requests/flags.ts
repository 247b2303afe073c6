/** Envoy's response flags in plain words, and what to look at. Source: Envoy's access log documentation. */
export const flagTexts: Readonly<Record<string, { readonly means: string; readonly look: string }>> = {
  UH: {
    means: "no healthy endpoint",
    look: "Are the pods of the chosen subset there and ready? Were they ejected by outlier detection?",
  },
  UF: {
    means: "the connection to the endpoint failed",
    look: "Does the application listen on the port? Do both sides agree on mutual TLS?",
  },
  UO: { means: "overflow: a circuit breaker was open", look: "The connectionPool limits of the DestinationRule." },
  NR: {
    means: "no route matched",
    look: "Hosts and matches of the VirtualService; for a gateway, whether a VirtualService is bound to it.",
  },
  NC: {
    means: "the route names a cluster that does not exist",
    look: "The subset or host in the VirtualService: is it defined by a DestinationRule or Service?",
  },
  URX: {
    means: "every retry failed too",
    look: "The first error of the endpoint; the retry policy only hides short ones.",
  },
  UT: {
    means: "the endpoint took longer than the timeout",
    look: "The timeout of the route, and why the application is slow.",
  },
  UC: {
    means: "the endpoint closed the connection",
    look: "The application's log: it ended the connection before it answered.",
  },
  DC: { means: "the caller went away", look: "The caller's own timeout." },
  DPE: { means: "the caller did not speak proper HTTP", look: "What the caller sent." },
  DI: { means: "delayed on purpose by fault injection", look: "The fault of the VirtualService." },
  FI: { means: "failed on purpose by fault injection", look: "The fault of the VirtualService." },
  UPE: { means: "the endpoint did not speak proper HTTP", look: "The port's protocol: is its name right?" },
};
