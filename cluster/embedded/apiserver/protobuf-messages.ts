/**
 * Messages of the Kubernetes API on the wire: number, JSON name and type of each field. Those that Go's typed clients (kubectl
 * create, kubectl auth) send. Types: string, int, bool (int0, bool0: zero means absent), bytes, time, quantity, intOrString, a message
 * (named -: its fields are the parent's own); [] repeated; {} a map.
 */
export const messages: Readonly<Record<string, string>> = {
  ObjectMeta:
    "1 name string;2 generateName string;3 namespace string;4 selfLink string;5 uid string;6 resourceVersion string;7 generation int0;8 creationTimestamp time;9 deletionTimestamp time;10 deletionGracePeriodSeconds int;11 labels {}string;12 annotations {}string;13 ownerReferences []OwnerReference;14 finalizers []string",
  OwnerReference:
    "1 kind string;3 name string;4 uid string;5 apiVersion string;6 controller bool;7 blockOwnerDeletion bool",
  LabelSelector: "1 matchLabels {}string;2 matchExpressions []LabelSelectorRequirement",
  LabelSelectorRequirement: "1 key string;2 operator string;3 values []string",
  DeleteOptions:
    "1 gracePeriodSeconds int;2 preconditions Preconditions;3 orphanDependents bool;4 propagationPolicy string;5 dryRun []string",
  Preconditions: "1 uid string;2 resourceVersion string",
  Eviction: "1 metadata ObjectMeta;2 deleteOptions DeleteOptions",
  Namespace: "1 metadata ObjectMeta;2 spec NamespaceSpec;3 status NamespaceStatus",
  NamespaceSpec: "1 finalizers []string",
  NamespaceStatus: "1 phase string",
  ConfigMap: "1 metadata ObjectMeta;2 data {}string;3 binaryData {}bytes;4 immutable bool",
  Secret: "1 metadata ObjectMeta;2 data {}bytes;3 type string;4 stringData {}string;5 immutable bool",
  ServiceAccount:
    "1 metadata ObjectMeta;2 secrets []ObjectReference;3 imagePullSecrets []LocalObjectReference;4 automountServiceAccountToken bool",
  ObjectReference:
    "1 kind string;2 namespace string;3 name string;4 uid string;5 apiVersion string;6 resourceVersion string;7 fieldPath string",
  LocalObjectReference: "1 name string",
  Role: "1 metadata ObjectMeta;2 rules []PolicyRule",
  ClusterRole: "1 metadata ObjectMeta;2 rules []PolicyRule;3 aggregationRule AggregationRule",
  AggregationRule: "1 clusterRoleSelectors []LabelSelector",
  PolicyRule:
    "1 verbs []string;2 apiGroups []string;3 resources []string;4 resourceNames []string;5 nonResourceURLs []string",
  RoleBinding: "1 metadata ObjectMeta;2 subjects []Subject;3 roleRef RoleRef",
  ClusterRoleBinding: "1 metadata ObjectMeta;2 subjects []Subject;3 roleRef RoleRef",
  Subject: "1 kind string;2 apiGroup string;3 name string;4 namespace string",
  RoleRef: "1 apiGroup string;2 kind string;3 name string",
  SelfSubjectReview: "1 metadata ObjectMeta",
  SelfSubjectAccessReview: "1 metadata ObjectMeta;2 spec SelfSubjectAccessReviewSpec",
  SelfSubjectAccessReviewSpec: "1 resourceAttributes ResourceAttributes;2 nonResourceAttributes NonResourceAttributes",
  ResourceAttributes:
    "1 namespace string;2 verb string;3 group string;4 version string;5 resource string;6 subresource string;7 name string",
  NonResourceAttributes: "1 path string;2 verb string",
  TokenRequest: "1 metadata ObjectMeta;2 spec TokenRequestSpec",
  TokenRequestSpec: "1 audiences []string;3 boundObjectRef BoundObjectReference;4 expirationSeconds int",
  BoundObjectReference: "1 kind string;2 apiVersion string;3 name string;4 uid string",
  Service: "1 metadata ObjectMeta;2 spec ServiceSpec;3 status ServiceStatus",
  ServiceSpec:
    "1 ports []ServicePort;2 selector {}string;3 clusterIP string;4 type string;5 externalIPs []string;7 sessionAffinity string;8 loadBalancerIP string;9 loadBalancerSourceRanges []string;10 externalName string;11 externalTrafficPolicy string;12 healthCheckNodePort int0;13 publishNotReadyAddresses bool0",
  ServicePort:
    "1 name string;2 protocol string;3 port int;4 targetPort intOrString;5 nodePort int0;6 appProtocol string",
  ServiceStatus: "1 loadBalancer LoadBalancerStatus",
  LoadBalancerStatus: "",
  Deployment: "1 metadata ObjectMeta;2 spec DeploymentSpec;3 status Empty",
  DeploymentSpec:
    "1 replicas int;2 selector LabelSelector;3 template PodTemplateSpec;4 strategy DeploymentStrategy;5 minReadySeconds int0;6 revisionHistoryLimit int;7 paused bool0;9 progressDeadlineSeconds int",
  DeploymentStrategy: "1 type string;2 rollingUpdate RollingUpdateDeployment",
  RollingUpdateDeployment: "1 maxUnavailable intOrString;2 maxSurge intOrString",
  Job: "1 metadata ObjectMeta;2 spec JobSpec;3 status Empty",
  JobSpec:
    "1 parallelism int;2 completions int;3 activeDeadlineSeconds int;4 selector LabelSelector;5 manualSelector bool;6 template PodTemplateSpec;7 backoffLimit int;8 ttlSecondsAfterFinished int",
  PodTemplateSpec: "1 metadata ObjectMeta;2 spec PodSpec",
  PodSpec:
    "2 containers []Container;3 restartPolicy string;4 terminationGracePeriodSeconds int;5 activeDeadlineSeconds int;6 dnsPolicy string;7 nodeSelector {}string;8 serviceAccountName string;9 serviceAccount string;10 nodeName string;11 hostNetwork bool0;12 hostPID bool0;13 hostIPC bool0;15 imagePullSecrets []LocalObjectReference;16 hostname string;20 initContainers []Container",
  Container:
    "1 name string;2 image string;3 command []string;4 args []string;5 workingDir string;6 ports []ContainerPort;7 env []EnvVar;8 resources ResourceRequirements;13 terminationMessagePath string;14 imagePullPolicy string;16 stdin bool0;17 stdinOnce bool0;18 tty bool0;20 terminationMessagePolicy string",
  ContainerPort: "1 name string;2 hostPort int0;3 containerPort int;4 protocol string;5 hostIP string",
  EnvVar: "1 name string;2 value string",
  ResourceRequirements: "1 limits {}quantity;2 requests {}quantity",
  CronJob: "1 metadata ObjectMeta;2 spec CronJobSpec;3 status Empty",
  CronJobSpec:
    "1 schedule string;2 startingDeadlineSeconds int;3 concurrencyPolicy string;4 suspend bool;5 jobTemplate JobTemplateSpec;6 successfulJobsHistoryLimit int;7 failedJobsHistoryLimit int;8 timeZone string",
  JobTemplateSpec: "1 metadata ObjectMeta;2 spec JobSpec",
  ResourceQuota: "1 metadata ObjectMeta;2 spec ResourceQuotaSpec;3 status Empty",
  ResourceQuotaSpec: "1 hard {}quantity;2 scopes []string",
  PriorityClass:
    "1 metadata ObjectMeta;2 value int;3 globalDefault bool0;4 description string;5 preemptionPolicy string",
  PodDisruptionBudget: "1 metadata ObjectMeta;2 spec PodDisruptionBudgetSpec;3 status Empty",
  PodDisruptionBudgetSpec: "1 minAvailable intOrString;2 selector LabelSelector;3 maxUnavailable intOrString",
  Ingress: "1 metadata ObjectMeta;2 spec IngressSpec;3 status Empty",
  IngressSpec: "1 defaultBackend IngressBackend;2 tls []IngressTLS;3 rules []IngressRule;4 ingressClassName string",
  IngressTLS: "1 hosts []string;2 secretName string",
  IngressRule: "1 host string;2 - IngressRuleValue",
  IngressRuleValue: "1 http HTTPIngressRuleValue",
  HTTPIngressRuleValue: "1 paths []HTTPIngressPath",
  HTTPIngressPath: "1 path string;2 backend IngressBackend;3 pathType string",
  IngressBackend: "4 service IngressServiceBackend",
  IngressServiceBackend: "1 name string;2 port ServiceBackendPort",
  ServiceBackendPort: "1 name string;2 number int0",
  Empty: "",
};
