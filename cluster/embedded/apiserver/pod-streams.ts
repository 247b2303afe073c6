import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket, WebSocketServer } from "ws";
import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, asString } from "../machinery/json.ts";
import type { ExecSession, NodeBackend } from "../machinery/node-backend.ts";
import { StatusError } from "../machinery/resources.ts";
import type { Store } from "../store/store.ts";
import { containerOf, logOptions, portsOf } from "./pod-request.ts";
import type { ResourceRequest } from "./request.ts";
import { servePortForward } from "./spdy-port-forward.ts";
import { badRequest, methodNotAllowed, notFound, PlainRefusal } from "./status.ts";

/** Channels of the remote command protocol: the first byte of each message. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
/** kubectl since 1.31: the bytes of SPDY inside of a WebSocket, which more proxies let through. */
const TUNNEL = "SPDY/3.1+portforward.k8s.io";
const protocols = [TUNNEL, "v5.channel.k8s.io", "v4.channel.k8s.io"];
const HIGH_WATER = 1024 * 1024;

/** Log, exec, port-forward and proxy: what the API server passes on to the node. */
export class PodStreams {
  readonly #store: Store;
  readonly #backend: () => NodeBackend;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
  });

  constructor(store: Store, backend: () => NodeBackend) {
    this.#store = store;
    this.#backend = backend;
  }

  async log(target: ResourceRequest, response: ServerResponse): Promise<void> {
    const { request, name = "", query, namespace = "" } = target;
    if (request.method !== "GET") throw methodNotAllowed();
    const pod = this.#pod(target);
    const options = logOptions(query, name);
    const container = containerOf(pod, query.get("container"));
    const stream = await this.#backend().logs({ namespace, name }, { ...options, container });
    response.writeHead(200, { "content-type": "text/plain" });
    response.flushHeaders();
    stream.on("error", () => response.destroy());
    response.on("close", () => stream.destroy());
    stream.pipe(response);
  }

  #pod({ kind, namespace = "", name = "" }: ResourceRequest): ApiObject {
    const pod = this.#store.get({ bucket: "/pods", namespace, name });
    if (pod === undefined) throw notFound(kind, name);
    return pod;
  }

  /** Takes over the connection of an upgrade request. */
  async upgrade(target: ResourceRequest, socket: Duplex, head: Buffer): Promise<void> {
    const { subresource, request } = target;
    const pod = this.#pod(target);
    if (subresource === "portforward") {
      const { namespace = "", name = "" } = target;
      const ports = portsOf(target.query);
      const { phase } = asObject(pod.status);
      if (phase === "Succeeded" || phase === "Failed")
        throw new PlainRefusal(500, `pod not found (${JSON.stringify(`${name}_${namespace}`)})`);
      const dial = (port: number): Promise<Duplex> => this.#backend().portForward({ namespace, name }, port);
      if (/^spdy\/3\.1$/i.test(request.headers.upgrade ?? "")) {
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n",
        );
        if (head.length > 0) socket.unshift(head);
        servePortForward(socket, dial);
        return;
      }
      this.#checkProtocol(request);
      const isTunnel = (request.headers["sec-websocket-protocol"] ?? "").includes(TUNNEL);
      if (ports.length === 0 && !isTunnel) throw new PlainRefusal(400, 'query parameter "port" is required');
      this.#sockets.handleUpgrade(request, socket, head, (ws) => {
        if (ws.protocol === TUNNEL) servePortForward(createWebSocketStream(ws), dial);
        else void this.#forward(target, ports, ws);
      });
    } else if (subresource === "exec") {
      const container = containerOf(pod, target.query.get("container"));
      if (!["stdin", "stdout", "stderr"].some((stream) => target.query.get(stream) === "true"))
        throw new PlainRefusal(400, "you must specify at least 1 of stdin, stdout, stderr");
      this.#checkProtocol(request);
      const session = await this.#exec(target, container).catch(inPlainText);
      this.#sockets.handleUpgrade(request, socket, head, (ws) =>
        relayExec(session, ws, target.query.getAll("command")),
      );
    } else throw badRequest(`${subresource} cannot be upgraded to a WebSocket`);
  }

  #checkProtocol({ headers }: IncomingMessage): void {
    const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((one) => one.trim());
    if (!offered.some((one) => protocols.includes(one))) throw new PlainRefusal(403, "");
  }

  #exec({ namespace = "", name = "", query }: ResourceRequest, container: string): Promise<ExecSession> {
    return this.#backend().exec(
      { namespace, name },
      {
        container,
        command: query.getAll("command"),
        stdin: query.get("stdin") === "true",
        tty: query.get("tty") === "true",
      },
    );
  }

  async #forward(
    { namespace = "", name = "" }: ResourceRequest,
    ports: readonly number[],
    ws: WebSocket,
  ): Promise<void> {
    const connections = new Map<number, Duplex>();
    ws.on("close", () => {
      for (const connection of connections.values()) connection.destroy();
    });
    ws.on("error", () => ws.terminate());
    // What the client says before the pod is reached must wait, not go.
    ws.pause();
    ws.on("message", (message: Buffer) => {
      const connection = connections.get(message[0] ?? 0);
      if (connection !== undefined && !connection.write(message.subarray(1))) {
        ws.pause();
        connection.once("drain", () => ws.resume());
      }
    });
    for (const [index, port] of ports.entries()) {
      const greeting = Buffer.from([index * 2, port & 255, port >> 8]);
      ws.send(greeting);
      ws.send(Buffer.from([index * 2 + 1, port & 255, port >> 8]));
      try {
        const connection = await this.#backend().portForward({ namespace, name }, port);
        connections.set(index * 2, connection);
        connection.on("data", (chunk: Buffer) => {
          ws.send(
            Buffer.concat([Buffer.of(index * 2), chunk]),
            () => ws.bufferedAmount < HIGH_WATER && connection.resume(),
          );
          if (ws.bufferedAmount >= HIGH_WATER) connection.pause();
        });
        // A pod that has said its last word gets no more: its process, and with it whoever would answer, may be gone.
        connection.on("end", () => ws.close(1000));
        connection.on("close", () => ws.close(1000));
        connection.on("error", (error) => {
          ws.send(Buffer.concat([Buffer.of(index * 2 + 1), Buffer.from(error.message)]));
          ws.close();
        });
      } catch (error) {
        ws.send(
          Buffer.concat([
            Buffer.of(index * 2 + 1),
            Buffer.from(error instanceof Error ? error.message : String(error)),
          ]),
        );
        ws.close();
      }
    }
    ws.resume();
  }

  /** `/pods/NAME:PORT/proxy/…`: any method, streamed both ways. */
  async proxy(target: ResourceRequest, response: ServerResponse): Promise<void> {
    const { host, port } = this.#address(target);
    const { request, rest, query } = target;
    const search = query.size === 0 ? "" : `?${query}`;
    const { authorization: _, ...headers } = request.headers;
    const connection = await this.#backend().dial(host, port);
    await new Promise<void>((resolve, reject) => {
      const outgoing = httpRequest(
        {
          createConnection: () => connection,
          method: request.method,
          path: `/${rest}${search}`,
          headers: { ...headers, host: `${host}:${port}`, connection: "close" },
        },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, withoutHopByHop(answer));
          response.flushHeaders();
          answer.pipe(response);
          answer.on("end", resolve);
          answer.on("error", () => response.destroy());
        },
      );
      outgoing.on("error", (error) => {
        if (response.headersSent) response.destroy();
        else reject(new Error(`error trying to reach service: ${error.message}`));
        resolve();
      });
      response.on("close", () => outgoing.destroy());
      request.pipe(outgoing);
    });
  }

  #address({ kind, namespace = "", name = "" }: ResourceRequest): { readonly host: string; readonly port: number } {
    const [object = "", portText] = name.replace(/^https?:/, "").split(":");
    if (kind.resource === "pods") {
      const pod = this.#store.get({ bucket: "/pods", namespace, name: object });
      if (pod === undefined) throw notFound(kind, object);
      const host = asString(asObject(pod.status).podIP);
      if (host === "") throw badRequest(`the pod ${object} has no address yet`);
      const declared = asObject(asArray(asObject(asArray(asObject(pod.spec).containers)[0]).ports)[0]).containerPort;
      return { host, port: Number(portText ?? declared ?? 80) };
    }
    const service = this.#store.get({ bucket: "/services", namespace, name: object });
    if (service === undefined) throw notFound(kind, object);
    const ports = asArray(asObject(service.spec).ports).map(asObject);
    const port = ports.find((candidate) => candidate.name === portText)?.port ?? portText ?? ports[0]?.port;
    return { host: asString(asObject(service.spec).clusterIP), port: Number(port) };
  }
}

function withoutHopByHop(answer: IncomingMessage): Record<string, string | string[]> {
  const { connection: _c, "keep-alive": _k, "transfer-encoding": _t, ...headers } = answer.headers;
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined),
  );
}

function relayExec(session: ExecSession, ws: WebSocket, command: readonly string[]): void {
  const send = (target: number, data: Buffer): void => {
    if (ws.readyState === ws.OPEN) ws.send(Buffer.concat([Buffer.of(target), data]));
  };
  session.stdout.on("data", (data: Buffer) => send(channel.stdout, data));
  session.stderr?.on("data", (data: Buffer) => send(channel.stderr, data));
  ws.on("message", (message: Buffer) => {
    const data = message.subarray(1);
    if (message[0] === channel.stdin) session.stdin?.write(data);
    else if (message[0] === channel.close && data[0] === channel.stdin) session.stdin?.end();
    else if (message[0] === channel.resize) {
      const { Width, Height } = JSON.parse(data.toString()) as { Width: number; Height: number };
      session.resize(Width, Height);
    }
  });
  let over = false;
  ws.on("close", () => over || session.kill());
  ws.on("error", () => ws.terminate());
  void session.exitCode.then((code) => {
    over = true;
    const status = ws.protocol === "v4.channel.k8s.io" ? oldStatusOf(code, command) : statusOf(code);
    send(channel.error, Buffer.from(JSON.stringify(status)));
    ws.close(1000);
  });
}

/** A node answers for itself what it cannot do. */
function inPlainText(error: unknown): never {
  if (error instanceof StatusError && error.code === 500) throw new PlainRefusal(500, error.message);
  throw error;
}

const statusOf = (code: number): object => ({
  metadata: {},
  ...(code === 0 ? { status: "Success" } : failureOf(code, `command terminated with exit code ${code}`)),
});

/** Before v5 the node itself told how a command ended, in its own words. */
const oldStatusOf = (code: number, command: readonly string[]): object =>
  code === 0
    ? { metadata: {}, status: "Success" }
    : failureOf(code, `error executing command [${command.join(" ")}], exit code ${code}`);

const failureOf = (code: number, why: string): object => ({
  status: "Failure",
  message: `command terminated with non-zero exit code: ${why}`,
  reason: "NonZeroExitCode",
  details: { causes: [{ reason: "ExitCode", message: String(code) }] },
});
