import { join } from "node:path";
import { defineConfig } from "electron-vite";

const root = import.meta.dirname;

/** Main process and preload; the renderer is built by Vite itself (scripts/build.ts), because the browser gets the same files. */
export default defineConfig({
  main: {
    build: {
      outDir: join(root, "dist/desktop/main"),
      target: "node12",
      externalizeDeps: false,
      lib: { entry: join(root, "main/desktop/main.ts"), formats: ["cjs"] },
      rollupOptions: { external: ["electron", "bufferutil", "utf-8-validate"] },
    },
  },
  preload: {
    build: {
      outDir: join(root, "dist/desktop/preload"),
      target: "node12",
      externalizeDeps: false,
      lib: { entry: join(root, "main/desktop/preload.ts"), formats: ["cjs"] },
    },
  },
});
