import { expect, test } from "vitest";
import { diagnose } from "./diagnose.ts";

test.each([
  [
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    "DOCKER_UNAVAILABLE",
    /does not answer/,
  ],
  [
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
    "DOCKER_UNAVAILABLE",
    /may not use/,
  ],
  ["Bind for 0.0.0.0:8080 failed: port is already allocated", "PORT_TAKEN", /8080/],
  ["listen tcp4 127.0.0.1:8080: bind: address already in use", "PORT_TAKEN", /8080/],
  ["Failed to allocate manager object: Too many open files", "INOTIFY_LIMIT", /inotify/],
  ["failed to create fsnotify watcher: too many open files", "INOTIFY_LIMIT", /inotify/],
  ["write /var/lib/docker/x: no space left on device", "DISK_FULL", /no space/],
  ['ERROR: failed to pull image "kindest/node:v9": exit status 1', "IMAGE_NOT_FOUND", /kindest\/node:v9/],
  ["pull access denied for nobody/nothing, repository does not exist", "IMAGE_NOT_FOUND", /nobody\/nothing/],
  ["node lab ended with 137, killed by the kernel: out of memory", "OUT_OF_MEMORY", /memory/],
  ['node(s) already exist for a cluster with the name "lab"', "ALREADY_RUNNING", /"lab"/],
  ["kubelet is configured to not run on a host using cgroup v1", "CLUSTER_START_FAILED", /cgroup v1/],
  [
    'could not find a log line that matches "Reached target .*Multi-User System.*|detected cgroup v1"',
    "CLUSTER_START_FAILED",
    /half minute/,
  ],
  ["ERROR: something nobody has seen", "CLUSTER_START_FAILED", /something nobody has seen/],
] as const)("%s", (output, code, message) => {
  const error = diagnose("kind create cluster", output);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
  expect(error.detail).toContain(output);
});

test("what the nodes wrote counts for more than what kind made of it", () => {
  const kind = 'could not find a log line that matches "Reached target .*Multi-User System.*|detected cgroup v1"';
  expect(
    diagnose("kind", `${kind}\nnode lab-worker runs\nFailed to create inotify object: Too many open files`).code,
  ).toBe("INOTIFY_LIMIT");
});
