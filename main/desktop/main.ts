import { app, BrowserWindow, ipcMain, session, shell } from "electron";
import { openRelay, type Relay } from "./relay.ts";

/**
 * The desktop window. Thin on purpose: it shows the pages that the host serves and relays RPC messages; everything that does
 * something is in the host. The page never sees the token, and has no Node, no permissions and nowhere else to go.
 */
const address = new URL(process.env.SLIPWAY_ADDRESS ?? "http://127.0.0.1:0/");
const token = new URLSearchParams(address.hash.slice(1)).get("token") ?? "";

if (!app.requestSingleInstanceLock()) app.quit();
else void app.whenReady().then(openWindow);
app.on("window-all-closed", () => app.quit());

function openWindow(): void {
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false));
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    minWidth: 1024,
    minHeight: 680,
    show: false,
    title: "Slipway",
    backgroundColor: "#f5f6f8",
    webPreferences: {
      preload: `${__dirname}/../preload/preload.cjs`,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
    },
  });
  window.once("ready-to-show", () => window.show());
  app.on("second-instance", () => {
    if (window.isMinimized()) window.restore();
    window.focus();
  });
  keepInside(window);
  relay(window);
  void window.loadURL(address.origin + address.pathname);
}

/** Links lead to the person's browser, if they are web links; the window itself stays where it is. */
function keepInside(window: BrowserWindow): void {
  const openOutside = (url: string): void => {
    if (/^https?:\/\//.test(url)) void shell.openExternal(url);
  };
  window.webContents.on("will-navigate", (event, url) => {
    if (new URL(url).origin === address.origin) return;
    event.preventDefault();
    openOutside(url);
  });
  // Absent in the old Electron of the smoke test, which opens no windows.
  window.webContents.setWindowOpenHandler?.(({ url }) => {
    openOutside(url);
    return { action: "deny" };
  });
}

/** Hands messages through, one connection per page load: a page that is reloaded starts with none of the old one's streams. */
function relay(window: BrowserWindow): void {
  let current: Relay | undefined;
  const isOurs = (event: { readonly sender: Electron.WebContents }): boolean => event.sender === window.webContents;
  ipcMain.on("slipway:open", (event) => {
    if (!isOurs(event)) return;
    current?.close();
    current = openRelay(address, token, (message) => {
      if (!window.isDestroyed()) window.webContents.send("slipway:message", message);
    });
  });
  ipcMain.on("slipway:send", (event, message: unknown) => {
    if (isOurs(event)) current?.send(message);
  });
  window.on("closed", () => current?.close());
}
