import { checkUnique, type Field } from "./check.ts";
import { checkDuration, checkHeaderName, checkNotNegative, checkPercentage, checkPort, checkRangeOf } from "./rules.ts";

/** How clients talk to a service; in DestinationRule and its subsets. Source: TrafficPolicy in Istio's API reference. */
export function checkTrafficPolicy(policy: Field): void {
  if (!policy.present) return;
  checkSettings(policy);
  const perPort = policy.at("portLevelSettings").items();
  for (const settings of perPort) {
    if (settings.at("port").require()) checkPort(settings.at("port").at("number"));
    checkSettings(settings);
  }
  checkUnique(
    perPort.map((settings) => settings.at("port").at("number")),
    "port",
  );
  const tunnel = policy.at("tunnel");
  if (!tunnel.present) return;
  tunnel.at("targetHost").require();
  if (tunnel.at("targetPort").require()) checkPort(tunnel.at("targetPort"));
}

function checkSettings(policy: Field): void {
  checkPool(policy.at("connectionPool"));
  checkOutliers(policy.at("outlierDetection"));
  checkBalancer(policy.at("loadBalancer"));
  checkClientTls(policy.at("tls"));
  const budget = policy.at("retryBudget");
  checkPercentage(budget.at("percent"));
  checkNotNegative(budget.at("minRetryConcurrency"));
}

function checkPool(pool: Field): void {
  if (pool.present && pool.presentOf("tcp", "http").length === 0) pool.error("needs tcp or http settings");
  const tcp = pool.at("tcp");
  checkNotNegative(tcp.at("maxConnections"));
  for (const name of ["connectTimeout", "maxConnectionDuration", "idleTimeout"])
    checkDuration(tcp.at(name), { zero: name === "idleTimeout" });
  for (const name of ["time", "interval"]) checkDuration(tcp.at("tcpKeepalive").at(name));
  const http = pool.at("http");
  for (const name of [
    "http1MaxPendingRequests",
    "http2MaxRequests",
    "maxRequestsPerConnection",
    "maxRetries",
    "maxConcurrentStreams",
  ]) {
    checkNotNegative(http.at(name));
  }
  checkDuration(http.at("idleTimeout"), { zero: true });
  if (http.at("h2UpgradePolicy").value === "UPGRADE" && http.at("useClientProtocol").value === true) {
    http
      .at("useClientProtocol")
      .error("may not be true with h2UpgradePolicy UPGRADE: one keeps the client's protocol, the other changes it");
  }
}

function checkOutliers(detection: Field): void {
  for (const name of ["interval", "baseEjectionTime"]) checkDuration(detection.at(name));
  for (const name of ["maxEjectionPercent", "minHealthPercent"]) checkPercentage(detection.at(name));
  for (const name of ["consecutive5xxErrors", "consecutiveGatewayErrors", "consecutiveLocalOriginFailures"])
    checkNotNegative(detection.at(name));
  if (detection.has("consecutiveErrors"))
    detection
      .at("consecutiveErrors")
      .warn("is deprecated; use consecutive5xxErrors or consecutiveGatewayErrors", "IST0002");
  if (
    detection.has("consecutiveLocalOriginFailures") &&
    detection.at("splitExternalLocalOriginErrors").value !== true
  ) {
    detection.at("consecutiveLocalOriginFailures").error("has no meaning without splitExternalLocalOriginErrors: true");
  }
}

function checkBalancer(balancer: Field): void {
  if (!balancer.present) return;
  if (balancer.has("simple") && balancer.has("consistentHash"))
    balancer.error("may have only one of simple and consistentHash");
  const hash = balancer.at("consistentHash");
  if (hash.present) {
    const keys = hash.presentOf("httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName");
    if (keys.length !== 1)
      hash.error("needs exactly one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName");
    if (hash.presentOf("ringHash", "maglev").length > 1) hash.error("may have only one of ringHash and maglev");
    const header = hash.at("httpHeaderName").text();
    if (header !== undefined) checkHeaderName(hash.at("httpHeaderName"), header);
    const cookie = hash.at("httpCookie");
    if (cookie.present) cookie.at("name").require();
    checkDuration(cookie.at("ttl"), { zero: true });
  }
  checkLocality(balancer.at("localityLbSetting"));
  const warmup = balancer.at("warmup");
  if (warmup.present && warmup.at("duration").require()) checkDuration(warmup.at("duration"));
  checkDuration(balancer.at("warmupDurationSecs"));
  checkRangeOf(warmup.at("minimumPercent"), 0, 100);
  if (typeof warmup.at("aggression").value === "number")
    checkRangeOf(warmup.at("aggression"), 1, Number.MAX_SAFE_INTEGER);
}

function checkLocality(setting: Field): void {
  const distribute = setting.at("distribute").items();
  const failover = setting.at("failover").items();
  if (distribute.length > 0 && (failover.length > 0 || setting.at("failoverPriority").items().length > 0)) {
    setting.error("may have only one of distribute and failover");
  }
  for (const entry of distribute) {
    entry.at("from").require();
    const weights = entry.at("to").entries();
    const sum = weights.reduce((total, [, weight]) => total + (weight.number() ?? 0), 0);
    for (const [, weight] of weights) checkRangeOf(weight, 1, 100);
    if (weights.length > 0 && sum !== 100) entry.at("to").error(`weights must add up to 100, not ${sum}`);
  }
  for (const entry of failover) {
    if (entry.at("from").require() && entry.at("from").value === entry.at("to").value)
      entry.error("fails over to the region that it comes from");
  }
}

function checkClientTls(tls: Field): void {
  if (!tls.present) return;
  const files = tls
    .presentOf("clientCertificate", "privateKey", "caCertificates")
    .filter((name) => tls.at(name).value !== "");
  const mode = tls.at("mode").value ?? "DISABLE";
  if (tls.has("credentialName") && files.length > 0)
    tls.at("credentialName").error(`may not stand beside ${files.join(" and ")}`);
  if (mode === "ISTIO_MUTUAL") {
    for (const name of [...files, ...tls.presentOf("credentialName")])
      tls.at(name).error("may not be set with ISTIO_MUTUAL: the mesh brings its own certificates");
  }
  if (mode === "MUTUAL" && !tls.has("credentialName")) {
    for (const name of ["clientCertificate", "privateKey"])
      if (!files.includes(name)) tls.at(name).error("is required with MUTUAL (or credentialName)");
  }
  if (
    mode === "SIMPLE" &&
    !files.includes("caCertificates") &&
    !tls.has("credentialName") &&
    tls.at("insecureSkipVerify").value !== true
  ) {
    tls.warn("without caCertificates the server is checked against the system's own CAs only", "IST0128");
  }
}
