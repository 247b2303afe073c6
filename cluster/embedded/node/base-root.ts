import { access, mkdir, realpath, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BaseRoot, Mount } from "./container-command.ts";

const PASSWD = [
  "root:x:0:0:root:/root:/bin/sh",
  "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin",
  "istio-proxy:x:1337:1337::/:/usr/sbin/nologin",
  "",
].join("\n");
const GROUP = ["root:x:0:", "nogroup:x:65534:", "istio-proxy:x:1337:", ""].join("\n");
const NSSWITCH = ["passwd: files", "group: files", "hosts: files dns", "services: files", "protocols: files", ""].join(
  "\n",
);

/** Files of the machine's /etc that programs need and that say nothing about it. */
const sharedEtc: readonly string[] = [
  "/etc/alternatives",
  "/etc/ld.so.cache",
  "/etc/protocols",
  "/etc/services",
  "/etc/ssl/certs",
  "/etc/ca-certificates",
  "/etc/pki",
  "/etc/ethertypes",
  "/etc/localtime",
];

/**
 * Works out once what every container sees of the machine: its programs and libraries, a few files of /etc, this Node.js. Nothing of
 * /home, /root, /var, /run, /usr/local or the state folder. Writes the generated files to `folder`.
 */
export async function prepareBaseRoot(folder: string, node: string): Promise<BaseRoot> {
  await mkdir(folder, { recursive: true });
  const generated = Object.entries({ passwd: PASSWD, group: GROUP, "nsswitch.conf": NSSWITCH });
  await Promise.all(generated.map(([name, text]) => writeFile(join(folder, name), text)));
  const mounts: Mount[] = [{ source: "/usr", target: "/usr", readOnly: true }];
  for (const path of ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]) {
    const source = await realpath(path).catch(() => undefined);
    if (source !== undefined) mounts.push({ source, target: path, readOnly: true });
  }
  const etc: Mount[] = [];
  for (const path of sharedEtc) if (await exists(path)) etc.push({ source: path, target: path, readOnly: true });
  for (const [name] of generated) etc.push({ source: join(folder, name), target: `/etc/${name}`, readOnly: true });
  const local = join(folder, "local");
  await mkdir(join(local, "bin"), { recursive: true });
  await writeFile(join(local, "bin", "node"), "");
  mounts.push(
    { source: local, target: "/usr/local", readOnly: true },
    { source: node, target: "/usr/local/bin/node", readOnly: true },
  );
  return { mounts, etc };
}

/** Also when this user may not look inside. */
async function exists(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  return access(path).then(
    () => true,
    () => false,
  );
}
