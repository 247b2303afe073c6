/**
 * Builds everything into dist/: a bundle per program, the images of the embedded cluster's catalogue, the interface. Builds only
 * what changed. `--only name` builds one program (and its image), `--force` everything.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Fingerprint, filesBelow, fingerprintOf, isCurrent } from "./bundling/fingerprint.ts";
import { imageSources, programs, runtimeRecipe } from "./bundling/programs.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const stateFile = join(root, "dist/.state.json");
const { values: options } = parseArgs({
  options: { only: { type: "string" }, force: { type: "boolean", default: false } },
});

/** One thing that is built: what it is made from is known after it was built once. */
interface Step {
  readonly name: string;
  /** A file without which there is nothing to build yet. */
  readonly needs: string;
  readonly makes: string;
  /** Folders and files of which everything counts, also what is added later. */
  readonly reads: readonly string[];
  /** Builds and returns the input files that are known only now. */
  readonly run: () => Promise<readonly string[]>;
}

const own = filesBelow(root, ["scripts/build.ts", "scripts/bundling"]);

const programSteps: readonly Step[] = programs.map((program) => ({
  name: program.name,
  needs: program.entry,
  makes: join("dist", program.folder, program.file),
  reads: [],
  run: async () => {
    const { bundle } = await import("./bundling/bundle.ts");
    const { warmUp } = await import("./bundling/images.ts");
    const inputs = await bundle(root, program);
    warmUp(root, program);
    return inputs;
  },
}));

const imageSteps: readonly Step[] = imageSources.map((image) => ({
  name: `image ${image.name}`,
  needs: `assets/images/${image.name}/image.json`,
  makes: `dist/images/${image.name}/image.json`,
  reads: [`assets/images/${image.name}`],
  run: async () => {
    const { assembleImage } = await import("./bundling/images.ts");
    assembleImage(root, image);
    return image.natives.map((name) => `node_modules/${name}/package.json`);
  },
}));

const runtimeStep: Step = {
  name: "image runtime",
  needs: runtimeRecipe,
  makes: "dist/images/runtime/Dockerfile",
  reads: [runtimeRecipe],
  run: async () => {
    cpSync(join(root, runtimeRecipe), join(root, "dist/images/runtime"), { recursive: true });
    return [];
  },
};

/** Runs a tool of node_modules with our Node.js. */
const runTool = (tool: string, args: readonly string[]): void =>
  void execFileSync(process.execPath, [join(root, "node_modules/.bin", tool), ...args], {
    cwd: root,
    stdio: "inherit",
  });

/** The pages, for the browser and for the window alike. */
const interfaceStep: Step = {
  name: "renderer",
  needs: "renderer/index.html",
  makes: "dist/renderer/index.html",
  reads: ["renderer", "api", "package-lock.json"],
  run: async () => {
    runTool("vite", [
      "build",
      "renderer",
      "--logLevel",
      "warn",
      "--outDir",
      join(root, "dist/renderer"),
      "--emptyOutDir",
    ]);
    return [];
  },
};

/** The window's main process and preload. */
const desktopStep: Step = {
  name: "desktop",
  needs: "electron.vite.config.ts",
  makes: "dist/desktop/main",
  reads: ["main/desktop", "api", "electron.vite.config.ts", "package-lock.json"],
  run: async () => {
    runTool("electron-vite", ["build", "--logLevel", "error"]);
    return [];
  },
};

/** What the host reads at run time, and where in dist/. */
const dataFolders = { "lab-scenarios": "lab-scenarios", "apps/manifests": "manifests" };

const labsStep: Step = {
  name: "labs",
  needs: "lab-scenarios",
  makes: "dist/manifests",
  reads: Object.keys(dataFolders),
  run: async () => {
    for (const [from, to] of Object.entries(dataFolders)) {
      rmSync(join(root, "dist", to), { recursive: true, force: true });
      cpSync(join(root, from), join(root, "dist", to), { recursive: true });
    }
    return [];
  },
};

function readState(): Record<string, Fingerprint> {
  try {
    return JSON.parse(readFileSync(stateFile, "utf8")) as Record<string, Fingerprint>;
  } catch {
    return {}; // none yet, or cut off: build all
  }
}

const state = readState();
// Images first: a program's compile cache lies in its image's folder.
const wanted = [...imageSteps, runtimeStep, ...programSteps, labsStep, interfaceStep, desktopStep].filter(
  ({ name }) => {
    if (options.only === undefined) return true;
    const image = programs.find((program) => program.name === options.only)?.folder.split("/")[1];
    return name === options.only || name === `image ${image}`;
  },
);
if (wanted.length === 0) {
  console.error(
    `build: there is no "${options.only}"; there are ${[...programSteps, labsStep, interfaceStep, desktopStep].map(({ name }) => name).join(", ")}`,
  );
  process.exit(64);
}

const failed: string[] = [];
for (const step of wanted) {
  if (!existsSync(join(root, step.needs))) {
    console.log(`build: ${step.name} is left out, there is no ${step.needs}`);
    continue;
  }
  const before = state[step.name];
  const read = filesBelow(root, step.reads);
  const isThere = before !== undefined && existsSync(join(root, step.makes));
  if (!options.force && isThere && isCurrent(root, before) && read.every((file) => file in before)) continue;
  const started = performance.now();
  try {
    const inputs = await step.run();
    state[step.name] = fingerprintOf(root, [...new Set([...own, ...read, ...inputs])]);
    console.log(`build: ${step.name} in ${Math.round(performance.now() - started)} ms`);
  } catch (error) {
    failed.push(step.name);
    delete state[step.name];
    console.error(`build: ${step.name} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
mkdirSync(dirname(stateFile), { recursive: true });
writeFileSync(stateFile, JSON.stringify(state));
if (failed.length > 0) process.exitCode = 1;
