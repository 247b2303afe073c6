import { connect } from "node:http2";
import type { ProbeResult } from "./probe.ts";

const SERVING = 1;
const names: readonly string[] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** Asks grpc.health.v1.Health/Check. The two messages have one field each, so no protobuf library is needed. */
export function checkGrpcHealth(target: {
  host: string;
  port: number;
  service: string;
  timeoutMs: number;
}): Promise<ProbeResult> {
  const { host, port, service, timeoutMs } = target;
  return new Promise((resolve) => {
    const session = connect(`http://${host}:${port}`);
    const finish = (result: ProbeResult): void => {
      clearTimeout(timer);
      session.destroy();
      resolve(result);
    };
    const timer = setTimeout(
      () =>
        finish({ ok: false, message: `timeout: failed to connect service "${host}:${port}" within ${timeoutMs} ms` }),
      timeoutMs,
    );
    session.on("error", (error) => finish({ ok: false, message: error.message }));
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    let grpcStatus = "0";
    const note = (headers: Record<string, unknown>): void => {
      if (headers["grpc-status"] !== undefined) grpcStatus = String(headers["grpc-status"]);
    };
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", (error) => finish({ ok: false, message: error.message }));
    stream.on("end", () => finish(verdict(grpcStatus, Buffer.concat(chunks))));
    stream.end(requestFrame(service));
  });
}

/** HealthCheckRequest { string service = 1 } in a gRPC frame. */
function requestFrame(service: string): Buffer {
  const name = Buffer.from(service).subarray(0, 127);
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** HealthCheckResponse { ServingStatus status = 1 }: an absent field is UNKNOWN. */
function verdict(grpcStatus: string, body: Buffer): ProbeResult {
  if (grpcStatus !== "0") return { ok: false, message: `service unhealthy (gRPC status ${grpcStatus})` };
  const status = body[5] === 0x08 ? (body[6] ?? 0) : 0;
  return status === SERVING
    ? { ok: true }
    : { ok: false, message: `service unhealthy (responded with "${names[status] ?? status}")` };
}
