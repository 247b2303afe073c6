import { WebSocket } from "ws";
import { type HttpClient, isPlain, readText } from "./http.ts";
import { kubeError } from "./status-error.ts";

/**
 * Opens a WebSocket to the API server; a refusal becomes a KubeError. It is paused, since the first messages may come together
 * with the handshake: resume it when its listeners are in place.
 */
export async function openWebSocket(http: HttpClient, path: string, protocols: readonly string[]): Promise<WebSocket> {
  const [tls, authorization] = await Promise.all([http.connection.tls(), http.connection.authorization()]);
  const { server } = http.connection;
  const url = `${isPlain(server) ? "ws" : "wss"}://${server.host}${server.pathname.replace(/\/$/, "")}${path}`;
  const socket = new WebSocket(url, [...protocols], {
    ...tls,
    headers: authorization === undefined ? {} : { authorization },
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => {
      socket.pause();
      resolve();
    });
    socket.once("error", reject);
    socket.once("unexpected-response", (request, response) => {
      void readText(response).then((body) => reject(kubeError(response.statusCode ?? 0, body)), reject);
      request.on("error", () => {});
    });
  });
  return socket;
}
