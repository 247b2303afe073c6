import { contextBridge, ipcRenderer } from "electron";

/** All that the page gets: messages of the RPC contract, to the host and back. */
contextBridge.exposeInMainWorld("slipway", {
  send: (message: unknown): void => ipcRenderer.send("slipway:send", message),
  onMessage: (listener: (message: unknown) => void): (() => void) => {
    const handler = (_event: unknown, message: unknown): void => listener(message);
    ipcRenderer.on("slipway:message", handler);
    return () => void ipcRenderer.removeListener("slipway:message", handler);
  },
});
ipcRenderer.send("slipway:open");
