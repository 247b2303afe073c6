import WebSocket from "ws";

export interface Relay {
  send(message: unknown): void;
  close(): void;
}

const RETRY_MS = 500;

/** A connection to the host that is opened again when it is lost. Messages meant for a lost one are dropped; the page asks again. */
export function openRelay(address: URL, token: string, onMessage: (message: unknown) => void): Relay {
  let socket: WebSocket | undefined;
  let closed = false;
  let waiting: unknown[] = [];
  const connect = (): void => {
    socket = new WebSocket(`ws://${address.host}/rpc`, `slipway.${token}`);
    socket.on("open", () => {
      for (const message of waiting) socket?.send(JSON.stringify(message));
      waiting = [];
    });
    socket.on("message", (data) => onMessage(JSON.parse(String(data))));
    socket.on("error", () => socket?.terminate());
    socket.on("close", () => {
      if (!closed) setTimeout(connect, RETRY_MS);
    });
  };
  connect();
  return {
    send: (message) => {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
      else waiting.push(message);
    },
    close: () => {
      closed = true;
      socket?.close();
    },
  };
}
