import type { ClientMessage, HostMessage } from "#api/rpc/messages.ts";

/** What the preload exposes in the desktop window; nothing else crosses that border. */
export interface DesktopBridge {
  send(message: ClientMessage): void;
  onMessage(listener: (message: HostMessage) => void): () => void;
}

declare global {
  interface Window {
    readonly slipway?: DesktopBridge;
  }
}

export interface Transport {
  send(message: ClientMessage): void;
  close(): void;
}

export interface TransportEvents {
  onOpen(): void;
  onMessage(message: HostMessage): void;
  onClose(): void;
}

const TOKEN_KEY = "slipway-token";

/** Connects to the host: by the desktop's bridge where there is one, else by a WebSocket. */
export function openTransport(events: TransportEvents): Transport {
  return window.slipway === undefined ? openWebSocket(events) : openDesktop(window.slipway, events);
}

function openDesktop(bridge: DesktopBridge, events: TransportEvents): Transport {
  const dispose = bridge.onMessage((message) => events.onMessage(message));
  queueMicrotask(() => events.onOpen());
  return { send: (message) => bridge.send(message), close: dispose };
}

function openWebSocket(events: TransportEvents): Transport {
  const socket = new WebSocket(
    new URL("rpc", location.href.replace(/^http/, "ws").split("#")[0]),
    `slipway.${readToken()}`,
  );
  socket.addEventListener("open", () => events.onOpen());
  socket.addEventListener("message", (event) => events.onMessage(JSON.parse(String(event.data)) as HostMessage));
  socket.addEventListener("close", () => events.onClose());
  return { send: (message) => socket.send(JSON.stringify(message)), close: () => socket.close() };
}

/** The address carries the token once, in its fragment, which is never sent; it is kept for this tab and taken out of sight. */
function readToken(): string {
  const fragment = new URLSearchParams(location.hash.slice(1)).get("token");
  if (fragment !== null) {
    sessionStorage.setItem(TOKEN_KEY, fragment);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(TOKEN_KEY) ?? "";
}
