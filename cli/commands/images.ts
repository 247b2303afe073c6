import { resolve } from "node:path";
import type { Command } from "commander";
import { withHost } from "../with-host.ts";

export function addImages(program: Command): void {
  const images = program.command("images").description("images of kind clusters, for rooms that reach no registry");

  images
    .command("save <folder>")
    .description("write every image that a kind cluster needs to a folder")
    .action((folder: string) =>
      withHost(async ({ rpc }) => {
        const { images: saved } = await rpc.call("images.save", { folder: resolve(folder) });
        console.log(`${saved.join("\n")}\nSaved. Elsewhere: slipway images load <folder>`);
      }),
    );

  images
    .command("load <folder>")
    .description("take the images from a folder that was saved; clusters are made of them from then on")
    .action((folder: string) =>
      withHost(async ({ rpc }) => {
        const { images: loaded } = await rpc.call("images.load", { folder: resolve(folder) });
        console.log(`${loaded.join("\n")}\nLoaded.`);
      }),
    );
}
