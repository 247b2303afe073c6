import type { Case, RequestStep, StreamStep } from "../case.ts";

const pods = "/api/v1/namespaces/$ns/pods";

const pod = (name: string, containers: readonly object[], more: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers, terminationGracePeriodSeconds: 0, restartPolicy: "Never", ...more },
});
const node = (name: string, script: string): object => ({
  name,
  image: "$image",
  imagePullPolicy: "IfNotPresent",
  command: ["node", "-e", script],
});

const LINES = "for (let i = 1; i <= 5; i++) console.log('line ' + i); console.error('last');";
const ECHO =
  "require('net').createServer((s) => { s.write('hello '); s.pipe(s); }).listen(7000); setInterval(() => {}, 1e6);";

const created = (name: string, body: object): RequestStep => ({ name, send: `POST ${pods}`, body, quiet: true });
const log = (name: string, query: string, more: Partial<RequestStep> = {}): RequestStep => ({
  name,
  send: `GET ${pods}/talks/log?${query}`,
  ...more,
});

const exec = (name: string, command: readonly string[], more: Partial<StreamStep> = {}): StreamStep => ({
  name,
  stream: `${pods}/serves/exec?${command.map((word) => `command=${encodeURIComponent(word)}`).join("&")}&stdout=true&stderr=true`,
  ...more,
});
const script = (text: string): readonly string[] => ["node", "-e", text];

/** Commands in containers, what containers wrote, and connections to their ports. */
export const streams: Case = {
  name: "streams",
  needs: "node",
  steps: [
    created("a pod that talks", pod("talks", [node("main", LINES), node("other", "console.log('other')")])),
    created("a pod that serves", pod("serves", [node("main", ECHO)])),
    created(
      "a pod that waits",
      pod("waits", [{ ...node("main", ""), image: "nowhere.example.com/none:1", imagePullPolicy: "Always" }]),
    ),
    {
      name: "it has talked",
      send: `GET ${pods}/talks`,
      until: { text: '"phase":"Succeeded"' },
      only: ["status.phase"],
    },
    { name: "it serves", send: `GET ${pods}/serves`, until: { text: '"phase":"Running"' }, only: ["status.phase"] },
    {
      name: "it cannot start",
      send: `GET ${pods}/waits`,
      until: { text: "ErrImagePull" },
      only: ["status.phase"],
    },
    log("a log", "container=main"),
    log("a log without a container", ""),
    log("a log of an unknown container", "container=none"),
    log("the end of a log", "container=main&tailLines=2"),
    log("no lines", "container=main&tailLines=0"),
    log("a negative number of lines", "container=main&tailLines=-1"),
    log("lines that are no number", "container=main&tailLines=a"),
    log("some bytes", "container=main&limitBytes=10"),
    log("no bytes", "container=main&limitBytes=0"),
    log("since long ago", "container=main&sinceSeconds=3600"),
    log("since no time", "container=main&sinceSeconds=0"),
    log("since two times", "container=main&sinceSeconds=1&sinceTime=2024-01-01T00:00:00Z"),
    log("since a time", "container=main&sinceTime=2024-01-01T00:00:00Z"),
    log("since a time to come", "container=main&sinceTime=2124-01-01T00:00:00Z"),
    log("with times", "container=main&tailLines=1&timestamps=true"),
    log("followed", "container=main&follow=true"),
    log("before it was started", "container=main&previous=true"),
    { name: "a log of no pod", send: `GET ${pods}/none/log` },
    { name: "a log of a pod that waits", send: `GET ${pods}/waits/log` },
    { name: "a log, written to", send: `POST ${pods}/talks/log` },
    exec("a command", script("console.log('out'); console.error('err')")),
    exec("a command that fails", script("process.exit(3)")),
    exec("a command that is killed", script("process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)")),
    exec("a command that there is not", ["nothing-of-this-name"]),
    exec("a command by its container", script("console.log('main')"), {
      stream: `${pods}/serves/exec?command=node&command=-e&command=console.log(1)&stdout=true&container=main`,
    }),
    exec("a command in an unknown container", [], {
      stream: `${pods}/serves/exec?command=node&stdout=true&container=none`,
    }),
    exec("no command", [], { stream: `${pods}/serves/exec?stdout=true` }),
    exec("no streams", [], { stream: `${pods}/serves/exec?command=node` }),
    exec("a command in no pod", [], { stream: `${pods}/none/exec?command=node&stdout=true` }),
    exec("a command in a pod that is over", [], {
      stream: `${pods}/talks/exec?command=node&stdout=true&container=main`,
    }),
    exec("a command in a pod that waits", [], { stream: `${pods}/waits/exec?command=node&stdout=true` }),
    exec("input", [], {
      stream: `${pods}/serves/exec?command=node&command=-e&command=${encodeURIComponent("process.stdin.on('data', (d) => process.stdout.write(String(d).toUpperCase()))")}&stdin=true&stdout=true`,
      input: "hello\n",
    }),
    exec("a terminal", [], {
      stream: `${pods}/serves/exec?command=node&command=-e&command=${encodeURIComponent("process.stdout.write(String(process.stdout.isTTY))")}&stdin=true&stdout=true&tty=true`,
    }),
    exec("a terminal with a size", [], {
      stream: `${pods}/serves/exec?command=node&command=-e&command=${encodeURIComponent("setTimeout(() => process.stdout.write(String(process.stdout.getWindowSize())), 1500)")}&stdin=true&stdout=true&tty=true`,
      size: { Width: 100, Height: 30 },
    }),
    exec("the old protocol", script("console.log('four'); process.exit(4)"), { protocol: "v4.channel.k8s.io" }),
    exec("no protocol that is known", script(""), { protocol: "v9.channel.k8s.io" }),
    { name: "a command without an upgrade", send: `POST ${pods}/serves/exec?command=node&stdout=true` },
    {
      name: "a port",
      stream: `${pods}/serves/portforward?ports=7000`,
      protocol: "v4.channel.k8s.io",
      input: "world",
      enough: "hello world",
    },
    {
      name: "a port that nobody listens on",
      stream: `${pods}/serves/portforward?ports=7999`,
      protocol: "v4.channel.k8s.io",
      input: "x",
    },
    { name: "no ports", stream: `${pods}/serves/portforward`, protocol: "v4.channel.k8s.io" },
    { name: "a port that is none", stream: `${pods}/serves/portforward?ports=a`, protocol: "v4.channel.k8s.io" },
    { name: "a port too high", stream: `${pods}/serves/portforward?ports=70000`, protocol: "v4.channel.k8s.io" },
    { name: "a port of no pod", stream: `${pods}/none/portforward?ports=1`, protocol: "v4.channel.k8s.io" },
    {
      name: "a port of a pod that is over",
      stream: `${pods}/talks/portforward?ports=7000`,
      protocol: "v4.channel.k8s.io",
      input: "x",
    },
  ],
};
