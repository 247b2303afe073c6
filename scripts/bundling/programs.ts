/** A program that is bundled into one file under dist/. */
export interface Program {
  readonly name: string;
  readonly entry: string;
  /** Folder below dist/. */
  readonly folder: string;
  readonly file: string;
  /** Arguments with which it loads all of its code and ends at once: run after the build to fill the compile cache. */
  readonly warmUp?: readonly string[];
}

/** Packages with compiled parts, which cannot be bundled. */
export const nativePackages: readonly string[] = ["koffi", "lmdb", "@lydell/node-pty"];

export const programs: readonly Program[] = [
  {
    name: "pilot-agent",
    entry: "mesh/proxy/main.ts",
    folder: "images/mesh/lib",
    file: "pilot-agent.js",
    // Without a pod around it it loads everything, then says what is missing.
    warmUp: ["proxy", "sidecar"],
  },
  {
    name: "ztunnel",
    entry: "mesh/ztunnel/main.ts",
    folder: "images/mesh/lib",
    file: "ztunnel.js",
    // Without a pod around it it loads everything, then says what is missing.
    warmUp: ["proxy"],
  },
  {
    name: "pilot-discovery",
    entry: "mesh/control-plane/main.ts",
    folder: "images/mesh/lib",
    file: "pilot-discovery.js",
    warmUp: ["version"],
  },
  { name: "shop", entry: "apps/shop/main.ts", folder: "images/apps/lib", file: "shop.js", warmUp: ["--help"] },
  { name: "tools", entry: "apps/tools/main.ts", folder: "images/apps/lib", file: "tools.js", warmUp: ["--help"] },
  { name: "idp", entry: "apps/idp/main.ts", folder: "images/apps/lib", file: "idp.js", warmUp: ["--help"] },
  {
    name: "authorizer",
    entry: "apps/authorizer/main.ts",
    folder: "images/apps/lib",
    file: "authorizer.js",
    warmUp: ["--help"],
  },
  { name: "partner", entry: "apps/partner/main.ts", folder: "images/apps/lib", file: "partner.js", warmUp: ["--help"] },
  { name: "issuer", entry: "apps/issuer/main.ts", folder: "images/apps/lib", file: "issuer.js", warmUp: ["--help"] },
  { name: "loadgen", entry: "apps/loadgen/main.ts", folder: "images/apps/lib", file: "loadgen.js", warmUp: ["--help"] },
  // Without a parent to tell it what to do it ends at once.
  { name: "embedded", entry: "cluster/embedded/main.ts", folder: "embedded", file: "main.js", warmUp: [] },
  { name: "host", entry: "main/host/main.ts", folder: "host", file: "main.js" },
  { name: "cli", entry: "cli/main.ts", folder: "cli", file: "main.js" },
];

/** An image of the catalogue: its description and launchers, and the native packages that its programs load. */
export interface ImageSource {
  readonly name: string;
  readonly natives: readonly string[];
}

/** The recipe of what the images of the catalogue stand on where they are built for a container engine. */
export const runtimeRecipe = "assets/images/runtime";

export const imageSources: readonly ImageSource[] = [
  { name: "mesh", natives: ["koffi"] },
  { name: "apps", natives: [] },
];
