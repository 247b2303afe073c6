import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./run.mjs";

/** Program -> Debian package. `run` is what the embedded cluster needs, `test` what its tests use besides. */
const needs = {
  run: {
    ip: "iproute2",
    "iptables-restore": "iptables",
    bwrap: "bubblewrap",
    nsenter: "util-linux",
    setpriv: "util-linux",
    unshare: "util-linux",
    newuidmap: "uidmap",
  },
  test: { chromium: "chromium", Xvfb: "xvfb", wrk: "wrk", openssl: "openssl", unzip: "unzip" },
};

function installed(program) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {"run" | "test"} purpose */
export async function installSystemPackages(purpose) {
  if (process.platform !== "linux") return;
  const wanted = purpose === "test" ? { ...needs.run, ...needs.test } : needs.run;
  const packages = [
    ...new Set(
      Object.entries(wanted)
        .filter(([program]) => !installed(program))
        .map(([, name]) => name),
    ),
  ];
  if (packages.length === 0) return;
  if (process.getuid?.() !== 0) {
    console.warn(`slipway: missing programs; ask an administrator to run: apt-get install ${packages.join(" ")}`);
    return;
  }
  console.log(`slipway: installing Debian packages: ${packages.join(" ")} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "-q"], { env });
  await run("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...packages], { env });
}
