import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { electronBinary } from "./desktop/install.ts";
import { type DesktopWindow, openScreen, openWindow } from "./desktop/window.ts";
import { Slipway } from "./support/slipway.ts";

const electron = electronBinary();
if ("missing" in electron) console.log(`window test skipped: ${electron.missing}`);

describe.runIf("binary" in electron)("the desktop window", () => {
  let slipway: Slipway;
  let screen: Awaited<ReturnType<typeof openScreen>>;
  let window: DesktopWindow;
  let address: string;

  beforeAll(async () => {
    slipway = await Slipway.create();
    await slipway.must(["up"]);
    address = (await slipway.status()).interface;
    screen = await openScreen();
    window = await openWindow("binary" in electron ? electron.binary : "", address, screen.display);
  });
  afterAll(async () => {
    await window?.close();
    await screen?.close();
    await slipway?.dispose();
  });

  test("shows the host's page, without the token", async () => {
    expect(await window.evaluate("location.href")).toBe(`${new URL(address).origin}/`);
    expect(await window.evaluate("document.title")).toBe("Slipway");
  });

  test("has no Node in the page, and a bridge that can only send and listen", async () => {
    expect(await window.evaluate("[typeof require, typeof process, typeof module, typeof Buffer].join()")).toBe(
      "undefined,undefined,undefined,undefined",
    );
    expect(await window.evaluate("Object.keys(slipway).sort().join()")).toBe("onMessage,send");
  });

  test("relays calls to the host and results back", async () => {
    const call = `new Promise((resolve) => {
      const stop = slipway.onMessage((message) => { if (message.id === 424242) { stop(); resolve(message); } });
      slipway.send({ type: "call", id: 424242, name: "app.info", params: {} });
    })`;
    expect(await window.evaluate(call)).toMatchObject({ type: "result", id: 424242, result: { version: "0.1.0" } });
  });
});
