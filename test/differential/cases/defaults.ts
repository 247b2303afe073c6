import type { Case, RequestStep } from "../case.ts";

const only = ["spec", "status"];
const pod = (name: string, spec: object): RequestStep => ({
  name,
  send: "POST /api/v1/namespaces/$ns/pods?dryRun=All",
  body: { apiVersion: "v1", kind: "Pod", metadata: { name: "x" }, spec },
  only,
});
const service = (name: string, spec: object): RequestStep => ({
  name,
  send: "POST /api/v1/namespaces/$ns/services?dryRun=All",
  body: { apiVersion: "v1", kind: "Service", metadata: { name: "x" }, spec },
  only,
});
const workload = (kind: string, spec: object): RequestStep => ({
  name: `${kind} ${JSON.stringify(spec).slice(0, 60)}`,
  send: `POST /apis/apps/v1/namespaces/$ns/${kind.toLowerCase()}s?dryRun=All`,
  body: {
    apiVersion: "apps/v1",
    kind,
    metadata: { name: "x" },
    spec: {
      selector: { matchLabels: { app: "x" } },
      template: { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "c:1" }] } },
      ...spec,
    },
  },
  only,
});

/** What is filled in beside the least. */
export const defaults: Case = {
  name: "defaults",
  steps: [
    pod("probes, ports, variables", {
      containers: [
        {
          name: "c",
          image: "c:1",
          livenessProbe: { httpGet: { port: 80 } },
          readinessProbe: { tcpSocket: { port: "http" }, periodSeconds: 3 },
          startupProbe: { exec: { command: ["true"] } },
          ports: [{ containerPort: 80 }, { containerPort: 53, protocol: "UDP", hostPort: 53 }],
          env: [
            { name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
            { name: "B", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
            { name: "C", valueFrom: { configMapKeyRef: { name: "m", key: "k" } } },
          ],
          lifecycle: { preStop: { httpGet: { port: 80, path: "/stop" } }, postStart: { exec: { command: ["a"] } } },
        },
        {
          name: "g",
          image: "g@sha256:0000000000000000000000000000000000000000000000000000000000000000",
          livenessProbe: { grpc: { port: 9000 } },
        },
      ],
    }),
    pod("resources: guaranteed", {
      containers: [{ name: "c", image: "c:latest", resources: { limits: { cpu: 1, memory: "64Mi" } } }],
    }),
    pod("resources: burstable", { containers: [{ name: "c", image: "c", resources: { requests: { cpu: "0.1" } } }] }),
    pod("init containers and sidecars", {
      containers: [{ name: "c", image: "c:1" }],
      initContainers: [
        { name: "i", image: "i:1" },
        { name: "s", image: "s:1", restartPolicy: "Always" },
      ],
    }),
    pod("volumes", {
      containers: [{ name: "c", image: "c:1", volumeMounts: [{ name: "a", mountPath: "/a" }] }],
      volumes: [
        { name: "a" },
        { name: "b", configMap: { name: "m" } },
        { name: "s", secret: { secretName: "s" } },
        { name: "d", downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
        { name: "h", hostPath: { path: "/x" } },
        {
          name: "p",
          projected: {
            sources: [{ serviceAccountToken: { path: "token", audience: "a" } }, { configMap: { name: "m" } }],
          },
        },
        { name: "e", emptyDir: { medium: "Memory", sizeLimit: "64Mi" } },
        { name: "v", persistentVolumeClaim: { claimName: "x" } },
      ],
    }),
    pod("no token", { automountServiceAccountToken: false, containers: [{ name: "c", image: "c:1" }] }),
    pod("host network", {
      hostNetwork: true,
      containers: [{ name: "c", image: "c:1", ports: [{ containerPort: 80 }] }],
    }),
    pod("a priority class", { priorityClassName: "system-node-critical", containers: [{ name: "c", image: "c:1" }] }),
    pod("a security context", {
      securityContext: { runAsUser: 1000, fsGroup: 1000, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        { name: "c", image: "c:1", securityContext: { privileged: false, capabilities: { drop: ["ALL"] } } },
      ],
    }),
    pod("topology and affinity", {
      containers: [{ name: "c", image: "c:1" }],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "zone",
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: { a: "b" } },
        },
      ],
      tolerations: [{ key: "a", operator: "Exists", effect: "NoSchedule" }],
    }),
    service("headless", { clusterIP: "None", selector: { a: "b" } }),
    service("external name", { type: "ExternalName", externalName: "a.example.com" }),
    service("node port", { type: "NodePort", ports: [{ port: 80 }] }),
    service("load balancer", {
      type: "LoadBalancer",
      ports: [
        { port: 80, name: "http" },
        { port: 443, name: "https" },
      ],
    }),
    service("load balancer, local", { type: "LoadBalancer", externalTrafficPolicy: "Local", ports: [{ port: 80 }] }),
    service("session affinity", { sessionAffinity: "ClientIP", ports: [{ port: 80 }] }),
    service("two families", { ipFamilyPolicy: "PreferDualStack", ports: [{ port: 80 }] }),
    workload("Deployment", { strategy: { type: "Recreate" } }),
    workload("Deployment", { strategy: { rollingUpdate: { maxSurge: 1 } } }),
    workload("Deployment", { replicas: null }),
    workload("DaemonSet", { updateStrategy: { type: "OnDelete" } }),
    workload("StatefulSet", {
      serviceName: "x",
      volumeClaimTemplates: [
        {
          metadata: { name: "d" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        },
      ],
    }),
    {
      name: "a work queue",
      send: "POST /apis/batch/v1/namespaces/$ns/jobs?dryRun=All",
      body: {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "x" },
        spec: {
          parallelism: 2,
          template: { spec: { restartPolicy: "OnFailure", containers: [{ name: "c", image: "c" }] } },
        },
      },
      only,
    },
    {
      name: "an autoscaler",
      send: "POST /apis/autoscaling/v2/namespaces/$ns/horizontalpodautoscalers?dryRun=All",
      body: {
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "x" },
        spec: {
          maxReplicas: 3,
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "x" },
          behavior: { scaleDown: { stabilizationWindowSeconds: 5 } },
        },
      },
      only,
    },
  ],
};
