import { defineConfig } from "vitest/config";

/** Unit tests stand beside the code and need no privileges; end-to-end tests boot real clusters and run one file at a time. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "{api,kube,cluster,mesh,main,renderer,cli,apps,scripts}/**/*.test.{ts,tsx}",
            "test/{docs,differential}/*.test.ts",
          ],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "differential",
          include: ["test/differential/*.live.ts"],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 700_000,
        },
      },
      {
        test: {
          name: "e2e-kind",
          include: ["test/kind/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
