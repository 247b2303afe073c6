/**
 * Fields of the built-in kinds, a type a line, as its golden test reads them from kubernetes-models (npm run golden rewrites them).
 * s string, n number, b boolean, q number or string, * anything, [ list of, { map of, else the name of a type.
 */
export const fieldTypes = `
admissionregistration.k8s.io/v1/MatchCondition expression=s name=s
admissionregistration.k8s.io/v1/MutatingWebhook admissionReviewVersions=[s clientConfig=admissionregistration.k8s.io/v1/WebhookClientConfig failurePolicy=s matchConditions=[admissionregistration.k8s.io/v1/MatchCondition matchPolicy=s name=s namespaceSelector=meta/LabelSelector objectSelector=meta/LabelSelector reinvocationPolicy=s rules=[admissionregistration.k8s.io/v1/RuleWithOperations sideEffects=s timeoutSeconds=n
admissionregistration.k8s.io/v1/MutatingWebhookConfiguration apiVersion=s kind=s metadata=meta/ObjectMeta webhooks=[admissionregistration.k8s.io/v1/MutatingWebhook
admissionregistration.k8s.io/v1/RuleWithOperations apiGroups=[s apiVersions=[s operations=[s resources=[s scope=s
admissionregistration.k8s.io/v1/ServiceReference name=s namespace=s path=s port=n
admissionregistration.k8s.io/v1/ValidatingWebhook admissionReviewVersions=[s clientConfig=admissionregistration.k8s.io/v1/WebhookClientConfig failurePolicy=s matchConditions=[admissionregistration.k8s.io/v1/MatchCondition matchPolicy=s name=s namespaceSelector=meta/LabelSelector objectSelector=meta/LabelSelector rules=[admissionregistration.k8s.io/v1/RuleWithOperations sideEffects=s timeoutSeconds=n
admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration apiVersion=s kind=s metadata=meta/ObjectMeta webhooks=[admissionregistration.k8s.io/v1/ValidatingWebhook
admissionregistration.k8s.io/v1/WebhookClientConfig caBundle=s service=admissionregistration.k8s.io/v1/ServiceReference url=s
apps/v1/DaemonSet apiVersion=s kind=s metadata=meta/ObjectMeta spec=apps/v1/DaemonSetSpec status=apps/v1/DaemonSetStatus
apps/v1/DaemonSetCondition lastTransitionTime=s message=s reason=s status=s type=s
apps/v1/DaemonSetSpec minReadySeconds=n revisionHistoryLimit=n selector=meta/LabelSelector template=v1/PodTemplateSpec updateStrategy=apps/v1/DaemonSetUpdateStrategy
apps/v1/DaemonSetStatus collisionCount=n conditions=[apps/v1/DaemonSetCondition currentNumberScheduled=n desiredNumberScheduled=n numberAvailable=n numberMisscheduled=n numberReady=n numberUnavailable=n observedGeneration=n updatedNumberScheduled=n
apps/v1/DaemonSetUpdateStrategy rollingUpdate=apps/v1/RollingUpdateDaemonSet type=s
apps/v1/Deployment apiVersion=s kind=s metadata=meta/ObjectMeta spec=apps/v1/DeploymentSpec status=apps/v1/DeploymentStatus
apps/v1/DeploymentCondition lastTransitionTime=s lastUpdateTime=s message=s reason=s status=s type=s
apps/v1/DeploymentSpec minReadySeconds=n paused=b progressDeadlineSeconds=n replicas=n revisionHistoryLimit=n selector=meta/LabelSelector strategy=apps/v1/DeploymentStrategy template=v1/PodTemplateSpec
apps/v1/DeploymentStatus availableReplicas=n collisionCount=n conditions=[apps/v1/DeploymentCondition observedGeneration=n readyReplicas=n replicas=n terminatingReplicas=n unavailableReplicas=n updatedReplicas=n
apps/v1/DeploymentStrategy rollingUpdate=apps/v1/RollingUpdateDeployment type=s
apps/v1/ReplicaSet apiVersion=s kind=s metadata=meta/ObjectMeta spec=apps/v1/ReplicaSetSpec status=apps/v1/ReplicaSetStatus
apps/v1/ReplicaSetCondition lastTransitionTime=s message=s reason=s status=s type=s
apps/v1/ReplicaSetSpec minReadySeconds=n replicas=n selector=meta/LabelSelector template=v1/PodTemplateSpec
apps/v1/ReplicaSetStatus availableReplicas=n conditions=[apps/v1/ReplicaSetCondition fullyLabeledReplicas=n observedGeneration=n readyReplicas=n replicas=n terminatingReplicas=n
apps/v1/RollingUpdateDaemonSet maxSurge=q maxUnavailable=q
apps/v1/RollingUpdateDeployment maxSurge=q maxUnavailable=q
apps/v1/RollingUpdateStatefulSetStrategy maxUnavailable=q partition=n
apps/v1/StatefulSet apiVersion=s kind=s metadata=meta/ObjectMeta spec=apps/v1/StatefulSetSpec status=apps/v1/StatefulSetStatus
apps/v1/StatefulSetCondition lastTransitionTime=s message=s reason=s status=s type=s
apps/v1/StatefulSetOrdinals start=n
apps/v1/StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted=s whenScaled=s
apps/v1/StatefulSetSpec minReadySeconds=n ordinals=apps/v1/StatefulSetOrdinals persistentVolumeClaimRetentionPolicy=apps/v1/StatefulSetPersistentVolumeClaimRetentionPolicy podManagementPolicy=s replicas=n revisionHistoryLimit=n selector=meta/LabelSelector serviceName=s template=v1/PodTemplateSpec updateStrategy=apps/v1/StatefulSetUpdateStrategy
apps/v1/StatefulSetStatus availableReplicas=n collisionCount=n conditions=[apps/v1/StatefulSetCondition currentReplicas=n currentRevision=s observedGeneration=n readyReplicas=n replicas=n updateRevision=s updatedReplicas=n
apps/v1/StatefulSetUpdateStrategy rollingUpdate=apps/v1/RollingUpdateStatefulSetStrategy type=s
autoscaling/v2/ContainerResourceMetricSource container=s name=s target=autoscaling/v2/MetricTarget
autoscaling/v2/ContainerResourceMetricStatus container=s current=autoscaling/v2/MetricValueStatus name=s
autoscaling/v2/CrossVersionObjectReference apiVersion=s kind=s name=s
autoscaling/v2/ExternalMetricSource metric=autoscaling/v2/MetricIdentifier target=autoscaling/v2/MetricTarget
autoscaling/v2/ExternalMetricStatus current=autoscaling/v2/MetricValueStatus metric=autoscaling/v2/MetricIdentifier
autoscaling/v2/HPAScalingPolicy periodSeconds=n type=s value=n
autoscaling/v2/HPAScalingRules policies=[autoscaling/v2/HPAScalingPolicy selectPolicy=s stabilizationWindowSeconds=n tolerance=q
autoscaling/v2/HorizontalPodAutoscaler apiVersion=s kind=s metadata=meta/ObjectMeta spec=autoscaling/v2/HorizontalPodAutoscalerSpec status=autoscaling/v2/HorizontalPodAutoscalerStatus
autoscaling/v2/HorizontalPodAutoscalerBehavior scaleDown=autoscaling/v2/HPAScalingRules scaleUp=autoscaling/v2/HPAScalingRules
autoscaling/v2/HorizontalPodAutoscalerCondition lastTransitionTime=s message=s reason=s status=s type=s
autoscaling/v2/HorizontalPodAutoscalerSpec behavior=autoscaling/v2/HorizontalPodAutoscalerBehavior maxReplicas=n metrics=[autoscaling/v2/MetricSpec minReplicas=n scaleTargetRef=autoscaling/v2/CrossVersionObjectReference
autoscaling/v2/HorizontalPodAutoscalerStatus conditions=[autoscaling/v2/HorizontalPodAutoscalerCondition currentMetrics=[autoscaling/v2/MetricStatus currentReplicas=n desiredReplicas=n lastScaleTime=s observedGeneration=n
autoscaling/v2/MetricIdentifier name=s selector=meta/LabelSelector
autoscaling/v2/MetricSpec containerResource=autoscaling/v2/ContainerResourceMetricSource external=autoscaling/v2/ExternalMetricSource object=autoscaling/v2/ObjectMetricSource pods=autoscaling/v2/PodsMetricSource resource=autoscaling/v2/ResourceMetricSource type=s
autoscaling/v2/MetricStatus containerResource=autoscaling/v2/ContainerResourceMetricStatus external=autoscaling/v2/ExternalMetricStatus object=autoscaling/v2/ObjectMetricStatus pods=autoscaling/v2/PodsMetricStatus resource=autoscaling/v2/ResourceMetricStatus type=s
autoscaling/v2/MetricTarget averageUtilization=n averageValue=q type=s value=q
autoscaling/v2/MetricValueStatus averageUtilization=n averageValue=q value=q
autoscaling/v2/ObjectMetricSource describedObject=autoscaling/v2/CrossVersionObjectReference metric=autoscaling/v2/MetricIdentifier target=autoscaling/v2/MetricTarget
autoscaling/v2/ObjectMetricStatus current=autoscaling/v2/MetricValueStatus describedObject=autoscaling/v2/CrossVersionObjectReference metric=autoscaling/v2/MetricIdentifier
autoscaling/v2/PodsMetricSource metric=autoscaling/v2/MetricIdentifier target=autoscaling/v2/MetricTarget
autoscaling/v2/PodsMetricStatus current=autoscaling/v2/MetricValueStatus metric=autoscaling/v2/MetricIdentifier
autoscaling/v2/ResourceMetricSource name=s target=autoscaling/v2/MetricTarget
autoscaling/v2/ResourceMetricStatus current=autoscaling/v2/MetricValueStatus name=s
batch/v1/CronJob apiVersion=s kind=s metadata=meta/ObjectMeta spec=batch/v1/CronJobSpec status=batch/v1/CronJobStatus
batch/v1/CronJobSpec concurrencyPolicy=s failedJobsHistoryLimit=n jobTemplate=batch/v1/JobTemplateSpec schedule=s startingDeadlineSeconds=n successfulJobsHistoryLimit=n suspend=b timeZone=s
batch/v1/CronJobStatus active=[v1/ObjectReference lastScheduleTime=s lastSuccessfulTime=s
batch/v1/Job apiVersion=s kind=s metadata=meta/ObjectMeta spec=batch/v1/JobSpec status=batch/v1/JobStatus
batch/v1/JobCondition lastProbeTime=s lastTransitionTime=s message=s reason=s status=s type=s
batch/v1/JobSpec activeDeadlineSeconds=n backoffLimit=n backoffLimitPerIndex=n completionMode=s completions=n managedBy=s manualSelector=b maxFailedIndexes=n parallelism=n podFailurePolicy=batch/v1/PodFailurePolicy podReplacementPolicy=s selector=meta/LabelSelector successPolicy=batch/v1/SuccessPolicy suspend=b template=v1/PodTemplateSpec ttlSecondsAfterFinished=n
batch/v1/JobStatus active=n completedIndexes=s completionTime=s conditions=[batch/v1/JobCondition failed=n failedIndexes=s ready=n startTime=s succeeded=n terminating=n uncountedTerminatedPods=batch/v1/UncountedTerminatedPods
batch/v1/JobTemplateSpec metadata=meta/ObjectMeta spec=batch/v1/JobSpec
batch/v1/PodFailurePolicy rules=[batch/v1/PodFailurePolicyRule
batch/v1/PodFailurePolicyOnExitCodesRequirement containerName=s operator=s values=[n
batch/v1/PodFailurePolicyOnPodConditionsPattern status=s type=s
batch/v1/PodFailurePolicyRule action=s onExitCodes=batch/v1/PodFailurePolicyOnExitCodesRequirement onPodConditions=[batch/v1/PodFailurePolicyOnPodConditionsPattern
batch/v1/SuccessPolicy rules=[batch/v1/SuccessPolicyRule
batch/v1/SuccessPolicyRule succeededCount=n succeededIndexes=s
batch/v1/UncountedTerminatedPods failed=[s succeeded=[s
discovery.k8s.io/v1/Endpoint addresses=[s conditions=discovery.k8s.io/v1/EndpointConditions deprecatedTopology={s hints=discovery.k8s.io/v1/EndpointHints hostname=s nodeName=s targetRef=v1/ObjectReference zone=s
discovery.k8s.io/v1/EndpointConditions ready=b serving=b terminating=b
discovery.k8s.io/v1/EndpointHints forNodes=[discovery.k8s.io/v1/ForNode forZones=[discovery.k8s.io/v1/ForZone
discovery.k8s.io/v1/EndpointPort appProtocol=s name=s port=n protocol=s
discovery.k8s.io/v1/EndpointSlice addressType=s apiVersion=s endpoints=[discovery.k8s.io/v1/Endpoint kind=s metadata=meta/ObjectMeta ports=[discovery.k8s.io/v1/EndpointPort
discovery.k8s.io/v1/ForNode name=s
discovery.k8s.io/v1/ForZone name=s
meta/Condition lastTransitionTime=s message=s observedGeneration=n reason=s status=s type=s
meta/LabelSelector matchExpressions=[meta/LabelSelectorRequirement matchLabels={s
meta/LabelSelectorRequirement key=s operator=s values=[s
meta/ManagedFieldsEntry apiVersion=s fieldsType=s fieldsV1=* manager=s operation=s subresource=s time=s
meta/ObjectMeta annotations={s creationTimestamp=s deletionGracePeriodSeconds=n deletionTimestamp=s finalizers=[s generateName=s generation=n labels={s managedFields=[meta/ManagedFieldsEntry name=s namespace=s ownerReferences=[meta/OwnerReference resourceVersion=s selfLink=s uid=s
meta/OwnerReference apiVersion=s blockOwnerDeletion=b controller=b kind=s name=s uid=s
networking.k8s.io/v1/HTTPIngressPath backend=networking.k8s.io/v1/IngressBackend path=s pathType=s
networking.k8s.io/v1/HTTPIngressRuleValue paths=[networking.k8s.io/v1/HTTPIngressPath
networking.k8s.io/v1/IPBlock cidr=s except=[s
networking.k8s.io/v1/Ingress apiVersion=s kind=s metadata=meta/ObjectMeta spec=networking.k8s.io/v1/IngressSpec status=networking.k8s.io/v1/IngressStatus
networking.k8s.io/v1/IngressBackend resource=v1/TypedLocalObjectReference service=networking.k8s.io/v1/IngressServiceBackend
networking.k8s.io/v1/IngressClass apiVersion=s kind=s metadata=meta/ObjectMeta spec=networking.k8s.io/v1/IngressClassSpec
networking.k8s.io/v1/IngressClassParametersReference apiGroup=s kind=s name=s namespace=s scope=s
networking.k8s.io/v1/IngressClassSpec controller=s parameters=networking.k8s.io/v1/IngressClassParametersReference
networking.k8s.io/v1/IngressLoadBalancerIngress hostname=s ip=s ports=[networking.k8s.io/v1/IngressPortStatus
networking.k8s.io/v1/IngressLoadBalancerStatus ingress=[networking.k8s.io/v1/IngressLoadBalancerIngress
networking.k8s.io/v1/IngressPortStatus error=s port=n protocol=s
networking.k8s.io/v1/IngressRule host=s http=networking.k8s.io/v1/HTTPIngressRuleValue
networking.k8s.io/v1/IngressServiceBackend name=s port=networking.k8s.io/v1/ServiceBackendPort
networking.k8s.io/v1/IngressSpec defaultBackend=networking.k8s.io/v1/IngressBackend ingressClassName=s rules=[networking.k8s.io/v1/IngressRule tls=[networking.k8s.io/v1/IngressTLS
networking.k8s.io/v1/IngressStatus loadBalancer=networking.k8s.io/v1/IngressLoadBalancerStatus
networking.k8s.io/v1/IngressTLS hosts=[s secretName=s
networking.k8s.io/v1/NetworkPolicy apiVersion=s kind=s metadata=meta/ObjectMeta spec=networking.k8s.io/v1/NetworkPolicySpec
networking.k8s.io/v1/NetworkPolicyEgressRule ports=[networking.k8s.io/v1/NetworkPolicyPort to=[networking.k8s.io/v1/NetworkPolicyPeer
networking.k8s.io/v1/NetworkPolicyIngressRule from=[networking.k8s.io/v1/NetworkPolicyPeer ports=[networking.k8s.io/v1/NetworkPolicyPort
networking.k8s.io/v1/NetworkPolicyPeer ipBlock=networking.k8s.io/v1/IPBlock namespaceSelector=meta/LabelSelector podSelector=meta/LabelSelector
networking.k8s.io/v1/NetworkPolicyPort endPort=n port=q protocol=s
networking.k8s.io/v1/NetworkPolicySpec egress=[networking.k8s.io/v1/NetworkPolicyEgressRule ingress=[networking.k8s.io/v1/NetworkPolicyIngressRule podSelector=meta/LabelSelector policyTypes=[s
networking.k8s.io/v1/ServiceBackendPort name=s number=n
policy/v1/PodDisruptionBudget apiVersion=s kind=s metadata=meta/ObjectMeta spec=policy/v1/PodDisruptionBudgetSpec status=policy/v1/PodDisruptionBudgetStatus
policy/v1/PodDisruptionBudgetSpec maxUnavailable=q minAvailable=q selector=meta/LabelSelector unhealthyPodEvictionPolicy=s
policy/v1/PodDisruptionBudgetStatus conditions=[meta/Condition currentHealthy=n desiredHealthy=n disruptedPods={s disruptionsAllowed=n expectedPods=n observedGeneration=n
rbac.authorization.k8s.io/v1/AggregationRule clusterRoleSelectors=[meta/LabelSelector
rbac.authorization.k8s.io/v1/ClusterRole aggregationRule=rbac.authorization.k8s.io/v1/AggregationRule apiVersion=s kind=s metadata=meta/ObjectMeta rules=[rbac.authorization.k8s.io/v1/PolicyRule
rbac.authorization.k8s.io/v1/ClusterRoleBinding apiVersion=s kind=s metadata=meta/ObjectMeta roleRef=rbac.authorization.k8s.io/v1/RoleRef subjects=[rbac.authorization.k8s.io/v1/Subject
rbac.authorization.k8s.io/v1/PolicyRule apiGroups=[s nonResourceURLs=[s resourceNames=[s resources=[s verbs=[s
rbac.authorization.k8s.io/v1/Role apiVersion=s kind=s metadata=meta/ObjectMeta rules=[rbac.authorization.k8s.io/v1/PolicyRule
rbac.authorization.k8s.io/v1/RoleBinding apiVersion=s kind=s metadata=meta/ObjectMeta roleRef=rbac.authorization.k8s.io/v1/RoleRef subjects=[rbac.authorization.k8s.io/v1/Subject
rbac.authorization.k8s.io/v1/RoleRef apiGroup=s kind=s name=s
rbac.authorization.k8s.io/v1/Subject apiGroup=s kind=s name=s namespace=s
scheduling.k8s.io/v1/PriorityClass apiVersion=s description=s globalDefault=b kind=s metadata=meta/ObjectMeta preemptionPolicy=s value=n
v1/AWSElasticBlockStoreVolumeSource fsType=s partition=n readOnly=b volumeID=s
v1/Affinity nodeAffinity=v1/NodeAffinity podAffinity=v1/PodAffinity podAntiAffinity=v1/PodAntiAffinity
v1/AppArmorProfile localhostProfile=s type=s
v1/AzureDiskVolumeSource cachingMode=s diskName=s diskURI=s fsType=s kind=s readOnly=b
v1/AzureFileVolumeSource readOnly=b secretName=s shareName=s
v1/CSIVolumeSource driver=s fsType=s nodePublishSecretRef=v1/LocalObjectReference readOnly=b volumeAttributes={s
v1/Capabilities add=[s drop=[s
v1/CephFSVolumeSource monitors=[s path=s readOnly=b secretFile=s secretRef=v1/LocalObjectReference user=s
v1/CinderVolumeSource fsType=s readOnly=b secretRef=v1/LocalObjectReference volumeID=s
v1/ClientIPConfig timeoutSeconds=n
v1/ClusterTrustBundleProjection labelSelector=meta/LabelSelector name=s optional=b path=s signerName=s
v1/ConfigMap apiVersion=s binaryData={s data={s immutable=b kind=s metadata=meta/ObjectMeta
v1/ConfigMapEnvSource name=s optional=b
v1/ConfigMapKeySelector key=s name=s optional=b
v1/ConfigMapProjection items=[v1/KeyToPath name=s optional=b
v1/ConfigMapVolumeSource defaultMode=n items=[v1/KeyToPath name=s optional=b
v1/Container args=[s command=[s env=[v1/EnvVar envFrom=[v1/EnvFromSource image=s imagePullPolicy=s lifecycle=v1/Lifecycle livenessProbe=v1/Probe name=s ports=[v1/ContainerPort readinessProbe=v1/Probe resizePolicy=[v1/ContainerResizePolicy resources=v1/ResourceRequirements restartPolicy=s restartPolicyRules=[v1/ContainerRestartRule securityContext=v1/SecurityContext startupProbe=v1/Probe stdin=b stdinOnce=b terminationMessagePath=s terminationMessagePolicy=s tty=b volumeDevices=[v1/VolumeDevice volumeMounts=[v1/VolumeMount workingDir=s
v1/ContainerExtendedResourceRequest containerName=s requestName=s resourceName=s
v1/ContainerPort containerPort=n hostIP=s hostPort=n name=s protocol=s
v1/ContainerResizePolicy resourceName=s restartPolicy=s
v1/ContainerRestartRule action=s exitCodes=v1/ContainerRestartRuleOnExitCodes
v1/ContainerRestartRuleOnExitCodes operator=s values=[n
v1/ContainerState running=v1/ContainerStateRunning terminated=v1/ContainerStateTerminated waiting=v1/ContainerStateWaiting
v1/ContainerStateRunning startedAt=s
v1/ContainerStateTerminated containerID=s exitCode=n finishedAt=s message=s reason=s signal=n startedAt=s
v1/ContainerStateWaiting message=s reason=s
v1/ContainerStatus allocatedResources={q allocatedResourcesStatus=[v1/ResourceStatus containerID=s image=s imageID=s lastState=v1/ContainerState name=s ready=b resources=v1/ResourceRequirements restartCount=n started=b state=v1/ContainerState stopSignal=s user=v1/ContainerUser volumeMounts=[v1/VolumeMountStatus
v1/ContainerUser linux=v1/LinuxContainerUser
v1/DownwardAPIProjection items=[v1/DownwardAPIVolumeFile
v1/DownwardAPIVolumeFile fieldRef=v1/ObjectFieldSelector mode=n path=s resourceFieldRef=v1/ResourceFieldSelector
v1/DownwardAPIVolumeSource defaultMode=n items=[v1/DownwardAPIVolumeFile
v1/EmptyDirVolumeSource medium=s sizeLimit=q
v1/EndpointAddress hostname=s ip=s nodeName=s targetRef=v1/ObjectReference
v1/EndpointPort appProtocol=s name=s port=n protocol=s
v1/EndpointSubset addresses=[v1/EndpointAddress notReadyAddresses=[v1/EndpointAddress ports=[v1/EndpointPort
v1/Endpoints apiVersion=s kind=s metadata=meta/ObjectMeta subsets=[v1/EndpointSubset
v1/EnvFromSource configMapRef=v1/ConfigMapEnvSource prefix=s secretRef=v1/SecretEnvSource
v1/EnvVar name=s value=s valueFrom=v1/EnvVarSource
v1/EnvVarSource configMapKeyRef=v1/ConfigMapKeySelector fieldRef=v1/ObjectFieldSelector fileKeyRef=v1/FileKeySelector resourceFieldRef=v1/ResourceFieldSelector secretKeyRef=v1/SecretKeySelector
v1/EphemeralContainer args=[s command=[s env=[v1/EnvVar envFrom=[v1/EnvFromSource image=s imagePullPolicy=s lifecycle=v1/Lifecycle livenessProbe=v1/Probe name=s ports=[v1/ContainerPort readinessProbe=v1/Probe resizePolicy=[v1/ContainerResizePolicy resources=v1/ResourceRequirements restartPolicy=s restartPolicyRules=[v1/ContainerRestartRule securityContext=v1/SecurityContext startupProbe=v1/Probe stdin=b stdinOnce=b targetContainerName=s terminationMessagePath=s terminationMessagePolicy=s tty=b volumeDevices=[v1/VolumeDevice volumeMounts=[v1/VolumeMount workingDir=s
v1/EphemeralVolumeSource volumeClaimTemplate=v1/PersistentVolumeClaimTemplate
v1/ExecAction command=[s
v1/FCVolumeSource fsType=s lun=n readOnly=b targetWWNs=[s wwids=[s
v1/FileKeySelector key=s optional=b path=s volumeName=s
v1/FlexVolumeSource driver=s fsType=s options={s readOnly=b secretRef=v1/LocalObjectReference
v1/FlockerVolumeSource datasetName=s datasetUUID=s
v1/GCEPersistentDiskVolumeSource fsType=s partition=n pdName=s readOnly=b
v1/GRPCAction port=n service=s
v1/GitRepoVolumeSource directory=s repository=s revision=s
v1/GlusterfsVolumeSource endpoints=s path=s readOnly=b
v1/HTTPGetAction host=s httpHeaders=[v1/HTTPHeader path=s port=q scheme=s
v1/HTTPHeader name=s value=s
v1/HostAlias hostnames=[s ip=s
v1/HostIP ip=s
v1/HostPathVolumeSource path=s type=s
v1/ISCSIVolumeSource chapAuthDiscovery=b chapAuthSession=b fsType=s initiatorName=s iqn=s iscsiInterface=s lun=n portals=[s readOnly=b secretRef=v1/LocalObjectReference targetPortal=s
v1/ImageVolumeSource pullPolicy=s reference=s
v1/ImageVolumeStatus imageRef=s
v1/KeyToPath key=s mode=n path=s
v1/Lifecycle postStart=v1/LifecycleHandler preStop=v1/LifecycleHandler stopSignal=s
v1/LifecycleHandler exec=v1/ExecAction httpGet=v1/HTTPGetAction sleep=v1/SleepAction tcpSocket=v1/TCPSocketAction
v1/LimitRange apiVersion=s kind=s metadata=meta/ObjectMeta spec=v1/LimitRangeSpec
v1/LimitRangeItem default={q defaultRequest={q max={q maxLimitRequestRatio={q min={q type=s
v1/LimitRangeSpec limits=[v1/LimitRangeItem
v1/LinuxContainerUser gid=n supplementalGroups=[n uid=n
v1/LoadBalancerIngress hostname=s ip=s ipMode=s ports=[v1/PortStatus
v1/LoadBalancerStatus ingress=[v1/LoadBalancerIngress
v1/LocalObjectReference name=s
v1/ModifyVolumeStatus status=s targetVolumeAttributesClassName=s
v1/NFSVolumeSource path=s readOnly=b server=s
v1/Namespace apiVersion=s kind=s metadata=meta/ObjectMeta spec=v1/NamespaceSpec status=v1/NamespaceStatus
v1/NamespaceCondition lastTransitionTime=s message=s reason=s status=s type=s
v1/NamespaceSpec finalizers=[s
v1/NamespaceStatus conditions=[v1/NamespaceCondition phase=s
v1/NodeAffinity preferredDuringSchedulingIgnoredDuringExecution=[v1/PreferredSchedulingTerm requiredDuringSchedulingIgnoredDuringExecution=v1/NodeSelector
v1/NodeAllocatableResourceClaimStatus containers=[s resourceClaimName=s resources={q
v1/NodeSelector nodeSelectorTerms=[v1/NodeSelectorTerm
v1/NodeSelectorRequirement key=s operator=s values=[s
v1/NodeSelectorTerm matchExpressions=[v1/NodeSelectorRequirement matchFields=[v1/NodeSelectorRequirement
v1/ObjectFieldSelector apiVersion=s fieldPath=s
v1/ObjectReference apiVersion=s fieldPath=s kind=s name=s namespace=s resourceVersion=s uid=s
v1/PersistentVolumeClaim apiVersion=s kind=s metadata=meta/ObjectMeta spec=v1/PersistentVolumeClaimSpec status=v1/PersistentVolumeClaimStatus
v1/PersistentVolumeClaimCondition lastProbeTime=s lastTransitionTime=s message=s reason=s status=s type=s
v1/PersistentVolumeClaimSpec accessModes=[s dataSource=v1/TypedLocalObjectReference dataSourceRef=v1/TypedObjectReference resources=v1/VolumeResourceRequirements selector=meta/LabelSelector storageClassName=s volumeAttributesClassName=s volumeMode=s volumeName=s
v1/PersistentVolumeClaimStatus accessModes=[s allocatedResourceStatuses={s allocatedResources={q capacity={q conditions=[v1/PersistentVolumeClaimCondition currentVolumeAttributesClassName=s modifyVolumeStatus=v1/ModifyVolumeStatus phase=s
v1/PersistentVolumeClaimTemplate metadata=meta/ObjectMeta spec=v1/PersistentVolumeClaimSpec
v1/PersistentVolumeClaimVolumeSource claimName=s readOnly=b
v1/PhotonPersistentDiskVolumeSource fsType=s pdID=s
v1/Pod apiVersion=s kind=s metadata=meta/ObjectMeta spec=v1/PodSpec status=v1/PodStatus
v1/PodAffinity preferredDuringSchedulingIgnoredDuringExecution=[v1/WeightedPodAffinityTerm requiredDuringSchedulingIgnoredDuringExecution=[v1/PodAffinityTerm
v1/PodAffinityTerm labelSelector=meta/LabelSelector matchLabelKeys=[s mismatchLabelKeys=[s namespaceSelector=meta/LabelSelector namespaces=[s topologyKey=s
v1/PodAntiAffinity preferredDuringSchedulingIgnoredDuringExecution=[v1/WeightedPodAffinityTerm requiredDuringSchedulingIgnoredDuringExecution=[v1/PodAffinityTerm
v1/PodCertificateProjection certificateChainPath=s credentialBundlePath=s keyPath=s keyType=s maxExpirationSeconds=n signerName=s userAnnotations={s
v1/PodCondition lastProbeTime=s lastTransitionTime=s message=s observedGeneration=n reason=s status=s type=s
v1/PodDNSConfig nameservers=[s options=[v1/PodDNSConfigOption searches=[s
v1/PodDNSConfigOption name=s value=s
v1/PodExtendedResourceClaimStatus requestMappings=[v1/ContainerExtendedResourceRequest resourceClaimName=s
v1/PodIP ip=s
v1/PodOS name=s
v1/PodReadinessGate conditionType=s
v1/PodResourceClaim name=s resourceClaimName=s resourceClaimTemplateName=s
v1/PodResourceClaimStatus name=s resourceClaimName=s
v1/PodSchedulingGate name=s
v1/PodSchedulingGroup podGroupName=s
v1/PodSecurityContext appArmorProfile=v1/AppArmorProfile fsGroup=n fsGroupChangePolicy=s runAsGroup=n runAsNonRoot=b runAsUser=n seLinuxChangePolicy=s seLinuxOptions=v1/SELinuxOptions seccompProfile=v1/SeccompProfile supplementalGroups=[n supplementalGroupsPolicy=s sysctls=[v1/Sysctl windowsOptions=v1/WindowsSecurityContextOptions
v1/PodSpec activeDeadlineSeconds=n affinity=v1/Affinity automountServiceAccountToken=b containers=[v1/Container dnsConfig=v1/PodDNSConfig dnsPolicy=s enableServiceLinks=b ephemeralContainers=[v1/EphemeralContainer hostAliases=[v1/HostAlias hostIPC=b hostNetwork=b hostPID=b hostUsers=b hostname=s hostnameOverride=s imagePullSecrets=[v1/LocalObjectReference initContainers=[v1/Container nodeName=s nodeSelector={s os=v1/PodOS overhead={q preemptionPolicy=s priority=n priorityClassName=s readinessGates=[v1/PodReadinessGate resourceClaims=[v1/PodResourceClaim resources=v1/ResourceRequirements restartPolicy=s runtimeClassName=s schedulerName=s schedulingGates=[v1/PodSchedulingGate schedulingGroup=v1/PodSchedulingGroup securityContext=v1/PodSecurityContext serviceAccount=s serviceAccountName=s setHostnameAsFQDN=b shareProcessNamespace=b subdomain=s terminationGracePeriodSeconds=n tolerations=[v1/Toleration topologySpreadConstraints=[v1/TopologySpreadConstraint volumes=[v1/Volume
v1/PodStatus allocatedResources={q conditions=[v1/PodCondition containerStatuses=[v1/ContainerStatus ephemeralContainerStatuses=[v1/ContainerStatus extendedResourceClaimStatus=v1/PodExtendedResourceClaimStatus hostIP=s hostIPs=[v1/HostIP initContainerStatuses=[v1/ContainerStatus message=s nodeAllocatableResourceClaimStatuses=[v1/NodeAllocatableResourceClaimStatus nominatedNodeName=s observedGeneration=n phase=s podIP=s podIPs=[v1/PodIP qosClass=s reason=s resize=s resourceClaimStatuses=[v1/PodResourceClaimStatus resources=v1/ResourceRequirements startTime=s
v1/PodTemplateSpec metadata=meta/ObjectMeta spec=v1/PodSpec
v1/PortStatus error=s port=n protocol=s
v1/PortworxVolumeSource fsType=s readOnly=b volumeID=s
v1/PreferredSchedulingTerm preference=v1/NodeSelectorTerm weight=n
v1/Probe exec=v1/ExecAction failureThreshold=n grpc=v1/GRPCAction httpGet=v1/HTTPGetAction initialDelaySeconds=n periodSeconds=n successThreshold=n tcpSocket=v1/TCPSocketAction terminationGracePeriodSeconds=n timeoutSeconds=n
v1/ProjectedVolumeSource defaultMode=n sources=[v1/VolumeProjection
v1/QuobyteVolumeSource group=s readOnly=b registry=s tenant=s user=s volume=s
v1/RBDVolumeSource fsType=s image=s keyring=s monitors=[s pool=s readOnly=b secretRef=v1/LocalObjectReference user=s
v1/ResourceClaim name=s request=s
v1/ResourceFieldSelector containerName=s divisor=q resource=s
v1/ResourceHealth health=s message=s resourceID=s
v1/ResourceQuota apiVersion=s kind=s metadata=meta/ObjectMeta spec=v1/ResourceQuotaSpec status=v1/ResourceQuotaStatus
v1/ResourceQuotaSpec hard={q scopeSelector=v1/ScopeSelector scopes=[s
v1/ResourceQuotaStatus hard={q used={q
v1/ResourceRequirements claims=[v1/ResourceClaim limits={q requests={q
v1/ResourceStatus name=s resources=[v1/ResourceHealth
v1/SELinuxOptions level=s role=s type=s user=s
v1/ScaleIOVolumeSource fsType=s gateway=s protectionDomain=s readOnly=b secretRef=v1/LocalObjectReference sslEnabled=b storageMode=s storagePool=s system=s volumeName=s
v1/ScopeSelector matchExpressions=[v1/ScopedResourceSelectorRequirement
v1/ScopedResourceSelectorRequirement operator=s scopeName=s values=[s
v1/SeccompProfile localhostProfile=s type=s
v1/Secret apiVersion=s data={s immutable=b kind=s metadata=meta/ObjectMeta stringData={s type=s
v1/SecretEnvSource name=s optional=b
v1/SecretKeySelector key=s name=s optional=b
v1/SecretProjection items=[v1/KeyToPath name=s optional=b
v1/SecretVolumeSource defaultMode=n items=[v1/KeyToPath optional=b secretName=s
v1/SecurityContext allowPrivilegeEscalation=b appArmorProfile=v1/AppArmorProfile capabilities=v1/Capabilities privileged=b procMount=s readOnlyRootFilesystem=b runAsGroup=n runAsNonRoot=b runAsUser=n seLinuxOptions=v1/SELinuxOptions seccompProfile=v1/SeccompProfile windowsOptions=v1/WindowsSecurityContextOptions
v1/Service apiVersion=s kind=s metadata=meta/ObjectMeta spec=v1/ServiceSpec status=v1/ServiceStatus
v1/ServiceAccount apiVersion=s automountServiceAccountToken=b imagePullSecrets=[v1/LocalObjectReference kind=s metadata=meta/ObjectMeta secrets=[v1/ObjectReference
v1/ServiceAccountTokenProjection audience=s expirationSeconds=n path=s
v1/ServicePort appProtocol=s name=s nodePort=n port=n protocol=s targetPort=q
v1/ServiceSpec allocateLoadBalancerNodePorts=b clusterIP=s clusterIPs=[s externalIPs=[s externalName=s externalTrafficPolicy=s healthCheckNodePort=n internalTrafficPolicy=s ipFamilies=[s ipFamilyPolicy=s loadBalancerClass=s loadBalancerIP=s loadBalancerSourceRanges=[s ports=[v1/ServicePort publishNotReadyAddresses=b selector={s sessionAffinity=s sessionAffinityConfig=v1/SessionAffinityConfig trafficDistribution=s type=s
v1/ServiceStatus conditions=[meta/Condition loadBalancer=v1/LoadBalancerStatus
v1/SessionAffinityConfig clientIP=v1/ClientIPConfig
v1/SleepAction seconds=n
v1/StorageOSVolumeSource fsType=s readOnly=b secretRef=v1/LocalObjectReference volumeName=s volumeNamespace=s
v1/Sysctl name=s value=s
v1/TCPSocketAction host=s port=q
v1/Toleration effect=s key=s operator=s tolerationSeconds=n value=s
v1/TopologySpreadConstraint labelSelector=meta/LabelSelector matchLabelKeys=[s maxSkew=n minDomains=n nodeAffinityPolicy=s nodeTaintsPolicy=s topologyKey=s whenUnsatisfiable=s
v1/TypedLocalObjectReference apiGroup=s kind=s name=s
v1/TypedObjectReference apiGroup=s kind=s name=s namespace=s
v1/Volume awsElasticBlockStore=v1/AWSElasticBlockStoreVolumeSource azureDisk=v1/AzureDiskVolumeSource azureFile=v1/AzureFileVolumeSource cephfs=v1/CephFSVolumeSource cinder=v1/CinderVolumeSource configMap=v1/ConfigMapVolumeSource csi=v1/CSIVolumeSource downwardAPI=v1/DownwardAPIVolumeSource emptyDir=v1/EmptyDirVolumeSource ephemeral=v1/EphemeralVolumeSource fc=v1/FCVolumeSource flexVolume=v1/FlexVolumeSource flocker=v1/FlockerVolumeSource gcePersistentDisk=v1/GCEPersistentDiskVolumeSource gitRepo=v1/GitRepoVolumeSource glusterfs=v1/GlusterfsVolumeSource hostPath=v1/HostPathVolumeSource image=v1/ImageVolumeSource iscsi=v1/ISCSIVolumeSource name=s nfs=v1/NFSVolumeSource persistentVolumeClaim=v1/PersistentVolumeClaimVolumeSource photonPersistentDisk=v1/PhotonPersistentDiskVolumeSource portworxVolume=v1/PortworxVolumeSource projected=v1/ProjectedVolumeSource quobyte=v1/QuobyteVolumeSource rbd=v1/RBDVolumeSource scaleIO=v1/ScaleIOVolumeSource secret=v1/SecretVolumeSource storageos=v1/StorageOSVolumeSource vsphereVolume=v1/VsphereVirtualDiskVolumeSource
v1/VolumeDevice devicePath=s name=s
v1/VolumeMount mountPath=s mountPropagation=s name=s readOnly=b recursiveReadOnly=s subPath=s subPathExpr=s
v1/VolumeMountStatus mountPath=s name=s readOnly=b recursiveReadOnly=s volumeStatus=v1/VolumeStatus
v1/VolumeProjection clusterTrustBundle=v1/ClusterTrustBundleProjection configMap=v1/ConfigMapProjection downwardAPI=v1/DownwardAPIProjection podCertificate=v1/PodCertificateProjection secret=v1/SecretProjection serviceAccountToken=v1/ServiceAccountTokenProjection
v1/VolumeResourceRequirements limits={q requests={q
v1/VolumeStatus image=v1/ImageVolumeStatus
v1/VsphereVirtualDiskVolumeSource fsType=s storagePolicyID=s storagePolicyName=s volumePath=s
v1/WeightedPodAffinityTerm podAffinityTerm=v1/PodAffinityTerm weight=n
v1/WindowsSecurityContextOptions gmsaCredentialSpec=s gmsaCredentialSpecName=s hostProcess=b runAsUserName=s
`;
