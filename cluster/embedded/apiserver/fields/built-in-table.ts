/**
 * Fields of the built-in kinds, a type a line, as a real Kubernetes publishes them (the differential suite compares, and with
 * GOLDEN=write rewrites them). What the signs mean is said in built-in-shapes.ts.
 */
export const builtInTable = `
admissionregistration.v1.MatchCondition expression!=s name!=s
admissionregistration.v1.MutatingWebhook admissionReviewVersions!=[s clientConfig!=admissionregistration.v1.WebhookClientConfig. failurePolicy=s matchConditions=[(name)~name;admissionregistration.v1.MatchCondition matchPolicy=s name!=s namespaceSelector=meta.v1.LabelSelector objectSelector=meta.v1.LabelSelector reinvocationPolicy=s rules=[admissionregistration.v1.RuleWithOperations sideEffects!=s timeoutSeconds=i
admissionregistration.v1.MutatingWebhookConfiguration apiVersion=s kind=s metadata=meta.v1.ObjectMeta. webhooks=[(name)~name;admissionregistration.v1.MutatingWebhook
admissionregistration.v1.RuleWithOperations apiGroups=[s apiVersions=[s operations=[s resources=[s scope=s
admissionregistration.v1.ServiceReference name!=s namespace!=s path=s port=i
admissionregistration.v1.ValidatingWebhook admissionReviewVersions!=[s clientConfig!=admissionregistration.v1.WebhookClientConfig. failurePolicy=s matchConditions=[(name)~name;admissionregistration.v1.MatchCondition matchPolicy=s name!=s namespaceSelector=meta.v1.LabelSelector objectSelector=meta.v1.LabelSelector rules=[admissionregistration.v1.RuleWithOperations sideEffects!=s timeoutSeconds=i
admissionregistration.v1.ValidatingWebhookConfiguration apiVersion=s kind=s metadata=meta.v1.ObjectMeta. webhooks=[(name)~name;admissionregistration.v1.ValidatingWebhook
admissionregistration.v1.WebhookClientConfig caBundle=y service=admissionregistration.v1.ServiceReference url=s
apiextensions.v1.CustomResourceColumnDefinition description=s format=s jsonPath!=s name!=s priority=i type!=s
apiextensions.v1.CustomResourceConversion strategy!=s webhook=apiextensions.v1.WebhookConversion
apiextensions.v1.CustomResourceDefinition apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec!=apiextensions.v1.CustomResourceDefinitionSpec. status=apiextensions.v1.CustomResourceDefinitionStatus.
apiextensions.v1.CustomResourceDefinitionCondition lastTransitionTime=t message=s observedGeneration=l reason=s status!=s type!=s
apiextensions.v1.CustomResourceDefinitionNames categories=[s kind!=s listKind=s plural!=s shortNames=[s singular=s
apiextensions.v1.CustomResourceDefinitionSpec conversion=apiextensions.v1.CustomResourceConversion group!=s names!=apiextensions.v1.CustomResourceDefinitionNames. preserveUnknownFields=b scope!=s versions!=[apiextensions.v1.CustomResourceDefinitionVersion
apiextensions.v1.CustomResourceDefinitionStatus acceptedNames=apiextensions.v1.CustomResourceDefinitionNames. conditions=[(type)apiextensions.v1.CustomResourceDefinitionCondition observedGeneration=l storedVersions=[s
apiextensions.v1.CustomResourceDefinitionVersion additionalPrinterColumns=[apiextensions.v1.CustomResourceColumnDefinition deprecated=b deprecationWarning=s name!=s schema=apiextensions.v1.CustomResourceValidation selectableFields=[apiextensions.v1.SelectableField served!=b storage!=b subresources=apiextensions.v1.CustomResourceSubresources
apiextensions.v1.CustomResourceSubresourceScale labelSelectorPath=s specReplicasPath!=s statusReplicasPath!=s
apiextensions.v1.CustomResourceSubresources scale=apiextensions.v1.CustomResourceSubresourceScale status=*
apiextensions.v1.CustomResourceValidation openAPIV3Schema=apiextensions.v1.JSONSchemaProps
apiextensions.v1.ExternalDocumentation description=s url=s
apiextensions.v1.JSONSchemaProps $ref=s $schema=s additionalItems=* additionalProperties=* allOf=[apiextensions.v1.JSONSchemaProps anyOf=[apiextensions.v1.JSONSchemaProps default=* definitions={apiextensions.v1.JSONSchemaProps dependencies={* description=s enum=[* example=* exclusiveMaximum=b exclusiveMinimum=b externalDocs=apiextensions.v1.ExternalDocumentation format=s id=s items=* maxItems=l maxLength=l maxProperties=l maximum=n minItems=l minLength=l minProperties=l minimum=n multipleOf=n not=apiextensions.v1.JSONSchemaProps nullable=b oneOf=[apiextensions.v1.JSONSchemaProps pattern=s patternProperties={apiextensions.v1.JSONSchemaProps properties={apiextensions.v1.JSONSchemaProps required=[s title=s type=s uniqueItems=b x-kubernetes-embedded-resource=b x-kubernetes-int-or-string=b x-kubernetes-list-map-keys=[s x-kubernetes-list-type=s x-kubernetes-map-type=s x-kubernetes-preserve-unknown-fields=b x-kubernetes-validations=[(rule)~rule;apiextensions.v1.ValidationRule
apiextensions.v1.SelectableField jsonPath!=s
apiextensions.v1.ServiceReference name!=s namespace!=s path=s port=i
apiextensions.v1.ValidationRule fieldPath=s message=s messageExpression=s optionalOldSelf=b reason=s rule!=s
apiextensions.v1.WebhookClientConfig caBundle=y service=apiextensions.v1.ServiceReference url=s
apiextensions.v1.WebhookConversion clientConfig=apiextensions.v1.WebhookClientConfig conversionReviewVersions!=[s
apps.v1.ControllerRevision apiVersion=s data=* kind=s metadata=meta.v1.ObjectMeta. revision!=l
apps.v1.DaemonSet apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=apps.v1.DaemonSetSpec. status=apps.v1.DaemonSetStatus.
apps.v1.DaemonSetCondition lastTransitionTime=t message=s reason=s status!=s type!=s
apps.v1.DaemonSetSpec minReadySeconds=i revisionHistoryLimit=i selector!=meta.v1.LabelSelector template!=core.v1.PodTemplateSpec. updateStrategy=apps.v1.DaemonSetUpdateStrategy.
apps.v1.DaemonSetStatus collisionCount=i conditions=[(type)~type;apps.v1.DaemonSetCondition currentNumberScheduled!=i desiredNumberScheduled!=i numberAvailable=i numberMisscheduled!=i numberReady!=i numberUnavailable=i observedGeneration=l updatedNumberScheduled=i
apps.v1.DaemonSetUpdateStrategy rollingUpdate=apps.v1.RollingUpdateDaemonSet type=s
apps.v1.Deployment apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=apps.v1.DeploymentSpec. status=apps.v1.DeploymentStatus.
apps.v1.DeploymentCondition lastTransitionTime=t lastUpdateTime=t message=s reason=s status!=s type!=s
apps.v1.DeploymentSpec minReadySeconds=i paused=b progressDeadlineSeconds=i replicas=i revisionHistoryLimit=i selector!=meta.v1.LabelSelector strategy=apps.v1.DeploymentStrategy. template!=core.v1.PodTemplateSpec.
apps.v1.DeploymentStatus availableReplicas=i collisionCount=i conditions=[(type)~type;apps.v1.DeploymentCondition observedGeneration=l readyReplicas=i replicas=i terminatingReplicas=i unavailableReplicas=i updatedReplicas=i
apps.v1.DeploymentStrategy rollingUpdate=apps.v1.RollingUpdateDeployment type=s
apps.v1.ReplicaSet apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=apps.v1.ReplicaSetSpec. status=apps.v1.ReplicaSetStatus.
apps.v1.ReplicaSetCondition lastTransitionTime=t message=s reason=s status!=s type!=s
apps.v1.ReplicaSetSpec minReadySeconds=i replicas=i selector!=meta.v1.LabelSelector template=core.v1.PodTemplateSpec.
apps.v1.ReplicaSetStatus availableReplicas=i conditions=[(type)~type;apps.v1.ReplicaSetCondition fullyLabeledReplicas=i observedGeneration=l readyReplicas=i replicas!=i terminatingReplicas=i
apps.v1.RollingUpdateDaemonSet maxSurge=q maxUnavailable=q
apps.v1.RollingUpdateDeployment maxSurge=q maxUnavailable=q
apps.v1.RollingUpdateStatefulSetStrategy maxUnavailable=q partition=i
apps.v1.StatefulSet apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=apps.v1.StatefulSetSpec. status=apps.v1.StatefulSetStatus.
apps.v1.StatefulSetCondition lastTransitionTime=t message=s reason=s status!=s type!=s
apps.v1.StatefulSetOrdinals start=i
apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted=s whenScaled=s
apps.v1.StatefulSetSpec minReadySeconds=i ordinals=apps.v1.StatefulSetOrdinals persistentVolumeClaimRetentionPolicy=apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy podManagementPolicy=s replicas=i revisionHistoryLimit=i selector!=meta.v1.LabelSelector serviceName=s template!=core.v1.PodTemplateSpec. updateStrategy=apps.v1.StatefulSetUpdateStrategy. volumeClaimTemplates=[core.v1.PersistentVolumeClaim
apps.v1.StatefulSetStatus availableReplicas=i collisionCount=i conditions=[(type)~type;apps.v1.StatefulSetCondition currentReplicas=i currentRevision=s observedGeneration=l readyReplicas=i replicas!=i updateRevision=s updatedReplicas=i
apps.v1.StatefulSetUpdateStrategy rollingUpdate=apps.v1.RollingUpdateStatefulSetStrategy type=s
autoscaling.v1.Scale apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=autoscaling.v1.ScaleSpec. status=autoscaling.v1.ScaleStatus.
autoscaling.v1.ScaleSpec replicas=i
autoscaling.v1.ScaleStatus replicas!=i selector=s
autoscaling.v2.ContainerResourceMetricSource container!=s name!=s target!=autoscaling.v2.MetricTarget.
autoscaling.v2.ContainerResourceMetricStatus container!=s current!=autoscaling.v2.MetricValueStatus. name!=s
autoscaling.v2.CrossVersionObjectReference apiVersion=s kind!=s name!=s
autoscaling.v2.ExternalMetricSource metric!=autoscaling.v2.MetricIdentifier. target!=autoscaling.v2.MetricTarget.
autoscaling.v2.ExternalMetricStatus current!=autoscaling.v2.MetricValueStatus. metric!=autoscaling.v2.MetricIdentifier.
autoscaling.v2.HPAScalingPolicy periodSeconds!=i type!=s value!=i
autoscaling.v2.HPAScalingRules policies=[autoscaling.v2.HPAScalingPolicy selectPolicy=s stabilizationWindowSeconds=i tolerance=Q
autoscaling.v2.HorizontalPodAutoscaler apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec!=autoscaling.v2.HorizontalPodAutoscalerSpec. status=autoscaling.v2.HorizontalPodAutoscalerStatus.
autoscaling.v2.HorizontalPodAutoscalerBehavior scaleDown=autoscaling.v2.HPAScalingRules scaleUp=autoscaling.v2.HPAScalingRules
autoscaling.v2.HorizontalPodAutoscalerCondition lastTransitionTime=t message=s reason=s status!=s type!=s
autoscaling.v2.HorizontalPodAutoscalerSpec behavior=autoscaling.v2.HorizontalPodAutoscalerBehavior maxReplicas!=i metrics=[autoscaling.v2.MetricSpec minReplicas=i scaleTargetRef!=autoscaling.v2.CrossVersionObjectReference.
autoscaling.v2.HorizontalPodAutoscalerStatus conditions=[(type)~type;autoscaling.v2.HorizontalPodAutoscalerCondition currentMetrics=[autoscaling.v2.MetricStatus currentReplicas=i desiredReplicas!=i lastScaleTime=t observedGeneration=l
autoscaling.v2.MetricIdentifier name!=s selector=meta.v1.LabelSelector
autoscaling.v2.MetricSpec containerResource=autoscaling.v2.ContainerResourceMetricSource external=autoscaling.v2.ExternalMetricSource object=autoscaling.v2.ObjectMetricSource pods=autoscaling.v2.PodsMetricSource resource=autoscaling.v2.ResourceMetricSource type!=s
autoscaling.v2.MetricStatus containerResource=autoscaling.v2.ContainerResourceMetricStatus external=autoscaling.v2.ExternalMetricStatus object=autoscaling.v2.ObjectMetricStatus pods=autoscaling.v2.PodsMetricStatus resource=autoscaling.v2.ResourceMetricStatus type!=s
autoscaling.v2.MetricTarget averageUtilization=i averageValue=Q type!=s value=Q
autoscaling.v2.MetricValueStatus averageUtilization=i averageValue=Q value=Q
autoscaling.v2.ObjectMetricSource describedObject!=autoscaling.v2.CrossVersionObjectReference. metric!=autoscaling.v2.MetricIdentifier. target!=autoscaling.v2.MetricTarget.
autoscaling.v2.ObjectMetricStatus current!=autoscaling.v2.MetricValueStatus. describedObject!=autoscaling.v2.CrossVersionObjectReference. metric!=autoscaling.v2.MetricIdentifier.
autoscaling.v2.PodsMetricSource metric!=autoscaling.v2.MetricIdentifier. target!=autoscaling.v2.MetricTarget.
autoscaling.v2.PodsMetricStatus current!=autoscaling.v2.MetricValueStatus. metric!=autoscaling.v2.MetricIdentifier.
autoscaling.v2.ResourceMetricSource name!=s target!=autoscaling.v2.MetricTarget.
autoscaling.v2.ResourceMetricStatus current!=autoscaling.v2.MetricValueStatus. name!=s
batch.v1.CronJob apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec!=batch.v1.CronJobSpec. status=batch.v1.CronJobStatus.
batch.v1.CronJobSpec concurrencyPolicy=s failedJobsHistoryLimit=i jobTemplate!=batch.v1.JobTemplateSpec. schedule!=s startingDeadlineSeconds=l successfulJobsHistoryLimit=i suspend=b timeZone=s
batch.v1.CronJobStatus active=[core.v1.ObjectReference lastScheduleTime=t lastSuccessfulTime=t
batch.v1.Job apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=batch.v1.JobSpec. status=batch.v1.JobStatus.
batch.v1.JobCondition lastProbeTime=t lastTransitionTime=t message=s reason=s status!=s type!=s
batch.v1.JobSpec activeDeadlineSeconds=l backoffLimit=i backoffLimitPerIndex=i completionMode=s completions=i managedBy=s manualSelector=b maxFailedIndexes=i parallelism=i podFailurePolicy=batch.v1.PodFailurePolicy podReplacementPolicy=s selector=meta.v1.LabelSelector successPolicy=batch.v1.SuccessPolicy suspend=b template!=core.v1.PodTemplateSpec. ttlSecondsAfterFinished=i
batch.v1.JobStatus active=i completedIndexes=s completionTime=t conditions=[~type;batch.v1.JobCondition failed=i failedIndexes=s ready=i startTime=t succeeded=i terminating=i uncountedTerminatedPods=batch.v1.UncountedTerminatedPods
batch.v1.JobTemplateSpec metadata=meta.v1.ObjectMeta. spec=batch.v1.JobSpec.
batch.v1.PodFailurePolicy rules!=[batch.v1.PodFailurePolicyRule
batch.v1.PodFailurePolicyOnExitCodesRequirement containerName=s operator!=s values!=[(*)i
batch.v1.PodFailurePolicyOnPodConditionsPattern status=s type!=s
batch.v1.PodFailurePolicyRule action!=s onExitCodes=batch.v1.PodFailurePolicyOnExitCodesRequirement onPodConditions=[batch.v1.PodFailurePolicyOnPodConditionsPattern
batch.v1.SuccessPolicy rules!=[batch.v1.SuccessPolicyRule
batch.v1.SuccessPolicyRule succeededCount=i succeededIndexes=s
batch.v1.UncountedTerminatedPods failed=[(*)s succeeded=[(*)s
certificates.v1.CertificateSigningRequest apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec!=certificates.v1.CertificateSigningRequestSpec. status=certificates.v1.CertificateSigningRequestStatus.
certificates.v1.CertificateSigningRequestCondition lastTransitionTime=t lastUpdateTime=t message=s reason=s status!=s type!=s
certificates.v1.CertificateSigningRequestSpec expirationSeconds=i extra={[s groups=[s request!=y signerName!=s uid=s usages=[s username=s
certificates.v1.CertificateSigningRequestStatus certificate=y conditions=[(type)certificates.v1.CertificateSigningRequestCondition
coordination.v1.Lease apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=coordination.v1.LeaseSpec.
coordination.v1.LeaseSpec acquireTime=t holderIdentity=s leaseDurationSeconds=i leaseTransitions=i preferredHolder=s renewTime=t strategy=s
core.v1.AWSElasticBlockStoreVolumeSource fsType=s partition=i readOnly=b volumeID!=s
core.v1.Affinity nodeAffinity=core.v1.NodeAffinity podAffinity=core.v1.PodAffinity podAntiAffinity=core.v1.PodAntiAffinity
core.v1.AppArmorProfile localhostProfile=s type!=s
core.v1.AttachedVolume devicePath!=s name!=s
core.v1.AzureDiskVolumeSource cachingMode=s:ReadWrite diskName!=s diskURI!=s fsType=s:ext4 kind=s:Shared readOnly=b
core.v1.AzureFilePersistentVolumeSource readOnly=b secretName!=s secretNamespace=s shareName!=s
core.v1.AzureFileVolumeSource readOnly=b secretName!=s shareName!=s
core.v1.Binding apiVersion=s kind=s metadata=meta.v1.ObjectMeta. target!=core.v1.ObjectReference.
core.v1.CSIPersistentVolumeSource controllerExpandSecretRef=core.v1.SecretReference controllerPublishSecretRef=core.v1.SecretReference driver!=s fsType=s nodeExpandSecretRef=core.v1.SecretReference nodePublishSecretRef=core.v1.SecretReference nodeStageSecretRef=core.v1.SecretReference readOnly=b volumeAttributes={s volumeHandle!=s
core.v1.CSIVolumeSource driver!=s fsType=s nodePublishSecretRef=core.v1.LocalObjectReference readOnly=b volumeAttributes={s
core.v1.Capabilities add=[s drop=[s
core.v1.CephFSPersistentVolumeSource monitors!=[s path=s readOnly=b secretFile=s secretRef=core.v1.SecretReference user=s
core.v1.CephFSVolumeSource monitors!=[s path=s readOnly=b secretFile=s secretRef=core.v1.LocalObjectReference user=s
core.v1.CinderPersistentVolumeSource fsType=s readOnly=b secretRef=core.v1.SecretReference volumeID!=s
core.v1.CinderVolumeSource fsType=s readOnly=b secretRef=core.v1.LocalObjectReference volumeID!=s
core.v1.ClientIPConfig timeoutSeconds=i
core.v1.ClusterTrustBundleProjection labelSelector=meta.v1.LabelSelector name=s optional=b path!=s signerName=s
core.v1.ConfigMap apiVersion=s binaryData={y data={s immutable=b kind=s metadata=meta.v1.ObjectMeta.
core.v1.ConfigMapEnvSource name=s optional=b
core.v1.ConfigMapKeySelector@ key!=s name=s optional=b
core.v1.ConfigMapNodeConfigSource kubeletConfigKey!=s name!=s namespace!=s resourceVersion=s uid=s
core.v1.ConfigMapProjection items=[core.v1.KeyToPath name=s optional=b
core.v1.ConfigMapVolumeSource defaultMode=i items=[core.v1.KeyToPath name=s optional=b
core.v1.Container args=[s command=[s env=[(name)~name;core.v1.EnvVar envFrom=[core.v1.EnvFromSource image=s imagePullPolicy=s lifecycle=core.v1.Lifecycle livenessProbe=core.v1.Probe name!=s ports=[(containerPort,protocol)~containerPort;core.v1.ContainerPort readinessProbe=core.v1.Probe resizePolicy=[core.v1.ContainerResizePolicy resources=core.v1.ResourceRequirements. restartPolicy=s restartPolicyRules=[core.v1.ContainerRestartRule securityContext=core.v1.SecurityContext startupProbe=core.v1.Probe stdin=b stdinOnce=b terminationMessagePath=s terminationMessagePolicy=s tty=b volumeDevices=[(devicePath)~devicePath;core.v1.VolumeDevice volumeMounts=[(mountPath)~mountPath;core.v1.VolumeMount workingDir=s
core.v1.ContainerExtendedResourceRequest containerName!=s requestName!=s resourceName!=s
core.v1.ContainerImage names=[s sizeBytes=l
core.v1.ContainerPort containerPort!=i hostIP=s hostPort=i name=s protocol=s:TCP
core.v1.ContainerResizePolicy resourceName!=s restartPolicy!=s
core.v1.ContainerRestartRule action!=s exitCodes=core.v1.ContainerRestartRuleOnExitCodes
core.v1.ContainerRestartRuleOnExitCodes operator!=s values=[(*)i
core.v1.ContainerState running=core.v1.ContainerStateRunning terminated=core.v1.ContainerStateTerminated waiting=core.v1.ContainerStateWaiting
core.v1.ContainerStateRunning startedAt=t
core.v1.ContainerStateTerminated containerID=s exitCode!=i finishedAt=t message=s reason=s signal=i startedAt=t
core.v1.ContainerStateWaiting message=s reason=s
core.v1.ContainerStatus allocatedResources={Q allocatedResourcesStatus=[(name)~name;core.v1.ResourceStatus containerID=s image!=s imageID!=s lastState=core.v1.ContainerState. name!=s ready!=b resources=core.v1.ResourceRequirements restartCount!=i started=b state=core.v1.ContainerState. stopSignal=s user=core.v1.ContainerUser volumeMounts=[(mountPath)~mountPath;core.v1.VolumeMountStatus
core.v1.ContainerUser linux=core.v1.LinuxContainerUser
core.v1.DaemonEndpoint Port!=i
core.v1.DownwardAPIProjection items=[core.v1.DownwardAPIVolumeFile
core.v1.DownwardAPIVolumeFile fieldRef=core.v1.ObjectFieldSelector mode=i path!=s resourceFieldRef=core.v1.ResourceFieldSelector
core.v1.DownwardAPIVolumeSource defaultMode=i items=[core.v1.DownwardAPIVolumeFile
core.v1.EmptyDirVolumeSource medium=s sizeLimit=Q
core.v1.EndpointAddress@ hostname=s ip!=s nodeName=s targetRef=core.v1.ObjectReference
core.v1.EndpointPort@ appProtocol=s name=s port!=i protocol=s
core.v1.EndpointSubset addresses=[core.v1.EndpointAddress notReadyAddresses=[core.v1.EndpointAddress ports=[core.v1.EndpointPort
core.v1.Endpoints apiVersion=s kind=s metadata=meta.v1.ObjectMeta. subsets=[core.v1.EndpointSubset
core.v1.EnvFromSource configMapRef=core.v1.ConfigMapEnvSource prefix=s secretRef=core.v1.SecretEnvSource
core.v1.EnvVar name!=s value=s valueFrom=core.v1.EnvVarSource
core.v1.EnvVarSource configMapKeyRef=core.v1.ConfigMapKeySelector fieldRef=core.v1.ObjectFieldSelector fileKeyRef=core.v1.FileKeySelector resourceFieldRef=core.v1.ResourceFieldSelector secretKeyRef=core.v1.SecretKeySelector
core.v1.EphemeralContainer args=[s command=[s env=[(name)~name;core.v1.EnvVar envFrom=[core.v1.EnvFromSource image=s imagePullPolicy=s lifecycle=core.v1.Lifecycle livenessProbe=core.v1.Probe name!=s ports=[(containerPort,protocol)~containerPort;core.v1.ContainerPort readinessProbe=core.v1.Probe resizePolicy=[core.v1.ContainerResizePolicy resources=core.v1.ResourceRequirements. restartPolicy=s restartPolicyRules=[core.v1.ContainerRestartRule securityContext=core.v1.SecurityContext startupProbe=core.v1.Probe stdin=b stdinOnce=b targetContainerName=s terminationMessagePath=s terminationMessagePolicy=s tty=b volumeDevices=[(devicePath)~devicePath;core.v1.VolumeDevice volumeMounts=[(mountPath)~mountPath;core.v1.VolumeMount workingDir=s
core.v1.EphemeralVolumeSource volumeClaimTemplate=core.v1.PersistentVolumeClaimTemplate
core.v1.Event action=s apiVersion=s count=i eventTime=t firstTimestamp=t involvedObject!=core.v1.ObjectReference. kind=s lastTimestamp=t message=s metadata!=meta.v1.ObjectMeta. reason=s related=core.v1.ObjectReference reportingComponent=s reportingInstance=s series=core.v1.EventSeries source=core.v1.EventSource. type=s
core.v1.EventSeries count=i lastObservedTime=t
core.v1.EventSource component=s host=s
core.v1.ExecAction command=[s
core.v1.FCVolumeSource fsType=s lun=i readOnly=b targetWWNs=[s wwids=[s
core.v1.FileKeySelector@ key!=s optional=b path!=s volumeName!=s
core.v1.FlexPersistentVolumeSource driver!=s fsType=s options={s readOnly=b secretRef=core.v1.SecretReference
core.v1.FlexVolumeSource driver!=s fsType=s options={s readOnly=b secretRef=core.v1.LocalObjectReference
core.v1.FlockerVolumeSource datasetName=s datasetUUID=s
core.v1.GCEPersistentDiskVolumeSource fsType=s partition=i pdName!=s readOnly=b
core.v1.GRPCAction port!=i service=s
core.v1.GitRepoVolumeSource directory=s repository!=s revision=s
core.v1.GlusterfsPersistentVolumeSource endpoints!=s endpointsNamespace=s path!=s readOnly=b
core.v1.GlusterfsVolumeSource endpoints!=s path!=s readOnly=b
core.v1.HTTPGetAction host=s httpHeaders=[core.v1.HTTPHeader path=s port!=q scheme=s
core.v1.HTTPHeader name!=s value!=s
core.v1.HostAlias hostnames=[s ip!=s
core.v1.HostIP ip!=s
core.v1.HostPathVolumeSource path!=s type=s
core.v1.ISCSIPersistentVolumeSource chapAuthDiscovery=b chapAuthSession=b fsType=s initiatorName=s iqn!=s iscsiInterface=s:default lun!=i portals=[s readOnly=b secretRef=core.v1.SecretReference targetPortal!=s
core.v1.ISCSIVolumeSource chapAuthDiscovery=b chapAuthSession=b fsType=s initiatorName=s iqn!=s iscsiInterface=s:default lun!=i portals=[s readOnly=b secretRef=core.v1.LocalObjectReference targetPortal!=s
core.v1.ImageVolumeSource pullPolicy=s reference=s
core.v1.ImageVolumeStatus imageRef!=s
core.v1.KeyToPath key!=s mode=i path!=s
core.v1.Lifecycle postStart=core.v1.LifecycleHandler preStop=core.v1.LifecycleHandler stopSignal=s
core.v1.LifecycleHandler exec=core.v1.ExecAction httpGet=core.v1.HTTPGetAction sleep=core.v1.SleepAction tcpSocket=core.v1.TCPSocketAction
core.v1.LimitRange apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=core.v1.LimitRangeSpec.
core.v1.LimitRangeItem default={Q defaultRequest={Q max={Q maxLimitRequestRatio={Q min={Q type!=s
core.v1.LimitRangeSpec limits!=[core.v1.LimitRangeItem
core.v1.LinuxContainerUser gid!=l supplementalGroups=[l uid!=l
core.v1.LoadBalancerIngress hostname=s ip=s ipMode=s ports=[core.v1.PortStatus
core.v1.LoadBalancerStatus ingress=[core.v1.LoadBalancerIngress
core.v1.LocalObjectReference@ name=s
core.v1.LocalVolumeSource fsType=s path!=s
core.v1.ModifyVolumeStatus status!=s targetVolumeAttributesClassName=s
core.v1.NFSVolumeSource path!=s readOnly=b server!=s
core.v1.Namespace apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=core.v1.NamespaceSpec. status=core.v1.NamespaceStatus.
core.v1.NamespaceCondition lastTransitionTime=t message=s reason=s status!=s type!=s
core.v1.NamespaceSpec finalizers=[s
core.v1.NamespaceStatus conditions=[(type)~type;core.v1.NamespaceCondition phase=s
core.v1.Node apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=core.v1.NodeSpec. status=core.v1.NodeStatus.
core.v1.NodeAddress address!=s type!=s
core.v1.NodeAffinity preferredDuringSchedulingIgnoredDuringExecution=[core.v1.PreferredSchedulingTerm requiredDuringSchedulingIgnoredDuringExecution=core.v1.NodeSelector
core.v1.NodeAllocatableResourceClaimStatus containers=[(*)s resourceClaimName!=s resources!={Q
core.v1.NodeCondition lastHeartbeatTime=t lastTransitionTime=t message=s reason=s status!=s type!=s
core.v1.NodeConfigSource configMap=core.v1.ConfigMapNodeConfigSource
core.v1.NodeConfigStatus active=core.v1.NodeConfigSource assigned=core.v1.NodeConfigSource error=s lastKnownGood=core.v1.NodeConfigSource
core.v1.NodeDaemonEndpoints kubeletEndpoint=core.v1.DaemonEndpoint.
core.v1.NodeFeatures supplementalGroupsPolicy=b
core.v1.NodeRuntimeHandler features=core.v1.NodeRuntimeHandlerFeatures name=s
core.v1.NodeRuntimeHandlerFeatures recursiveReadOnlyMounts=b userNamespaces=b
core.v1.NodeSelector@ nodeSelectorTerms!=[core.v1.NodeSelectorTerm
core.v1.NodeSelectorRequirement key!=s operator!=s values=[s
core.v1.NodeSelectorTerm@ matchExpressions=[core.v1.NodeSelectorRequirement matchFields=[core.v1.NodeSelectorRequirement
core.v1.NodeSpec configSource=core.v1.NodeConfigSource externalID=s podCIDR=s podCIDRs=[(*)~;s providerID=s taints=[core.v1.Taint unschedulable=b
core.v1.NodeStatus addresses=[(type)~type;core.v1.NodeAddress allocatable={Q capacity={Q conditions=[(type)~type;core.v1.NodeCondition config=core.v1.NodeConfigStatus daemonEndpoints=core.v1.NodeDaemonEndpoints. declaredFeatures=[s features=core.v1.NodeFeatures images=[core.v1.ContainerImage nodeInfo=core.v1.NodeSystemInfo. phase=s runtimeHandlers=[core.v1.NodeRuntimeHandler volumesAttached=[core.v1.AttachedVolume volumesInUse=[s
core.v1.NodeSwapStatus capacity=l
core.v1.NodeSystemInfo architecture!=s bootID!=s containerRuntimeVersion!=s kernelVersion!=s kubeProxyVersion!=s kubeletVersion!=s machineID!=s operatingSystem!=s osImage!=s swap=core.v1.NodeSwapStatus systemUUID!=s
core.v1.ObjectFieldSelector@ apiVersion=s fieldPath!=s
core.v1.ObjectReference@ apiVersion=s fieldPath=s kind=s name=s namespace=s resourceVersion=s uid=s
core.v1.PersistentVolume apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=core.v1.PersistentVolumeSpec. status=core.v1.PersistentVolumeStatus.
core.v1.PersistentVolumeClaim apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=core.v1.PersistentVolumeClaimSpec. status=core.v1.PersistentVolumeClaimStatus.
core.v1.PersistentVolumeClaimCondition lastProbeTime=t lastTransitionTime=t message=s reason=s status!=s type!=s
core.v1.PersistentVolumeClaimSpec accessModes=[s dataSource=core.v1.TypedLocalObjectReference dataSourceRef=core.v1.TypedObjectReference resources=core.v1.VolumeResourceRequirements. selector=meta.v1.LabelSelector storageClassName=s volumeAttributesClassName=s volumeMode=s volumeName=s
core.v1.PersistentVolumeClaimStatus accessModes=[s allocatedResourceStatuses={s allocatedResources={Q capacity={Q conditions=[(type)~type;core.v1.PersistentVolumeClaimCondition currentVolumeAttributesClassName=s modifyVolumeStatus=core.v1.ModifyVolumeStatus phase=s
core.v1.PersistentVolumeClaimTemplate metadata=meta.v1.ObjectMeta. spec!=core.v1.PersistentVolumeClaimSpec.
core.v1.PersistentVolumeClaimVolumeSource claimName!=s readOnly=b
core.v1.PersistentVolumeSpec accessModes=[s awsElasticBlockStore=core.v1.AWSElasticBlockStoreVolumeSource azureDisk=core.v1.AzureDiskVolumeSource azureFile=core.v1.AzureFilePersistentVolumeSource capacity={Q cephfs=core.v1.CephFSPersistentVolumeSource cinder=core.v1.CinderPersistentVolumeSource claimRef=core.v1.ObjectReference csi=core.v1.CSIPersistentVolumeSource fc=core.v1.FCVolumeSource flexVolume=core.v1.FlexPersistentVolumeSource flocker=core.v1.FlockerVolumeSource gcePersistentDisk=core.v1.GCEPersistentDiskVolumeSource glusterfs=core.v1.GlusterfsPersistentVolumeSource hostPath=core.v1.HostPathVolumeSource iscsi=core.v1.ISCSIPersistentVolumeSource local=core.v1.LocalVolumeSource mountOptions=[s nfs=core.v1.NFSVolumeSource nodeAffinity=core.v1.VolumeNodeAffinity persistentVolumeReclaimPolicy=s photonPersistentDisk=core.v1.PhotonPersistentDiskVolumeSource portworxVolume=core.v1.PortworxVolumeSource quobyte=core.v1.QuobyteVolumeSource rbd=core.v1.RBDPersistentVolumeSource scaleIO=core.v1.ScaleIOPersistentVolumeSource storageClassName=s storageos=core.v1.StorageOSPersistentVolumeSource volumeAttributesClassName=s volumeMode=s vsphereVolume=core.v1.VsphereVirtualDiskVolumeSource
core.v1.PersistentVolumeStatus lastPhaseTransitionTime=t message=s phase=s reason=s
core.v1.PhotonPersistentDiskVolumeSource fsType=s pdID!=s
core.v1.Pod apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=core.v1.PodSpec. status=core.v1.PodStatus.
core.v1.PodAffinity preferredDuringSchedulingIgnoredDuringExecution=[core.v1.WeightedPodAffinityTerm requiredDuringSchedulingIgnoredDuringExecution=[core.v1.PodAffinityTerm
core.v1.PodAffinityTerm labelSelector=meta.v1.LabelSelector matchLabelKeys=[s mismatchLabelKeys=[s namespaceSelector=meta.v1.LabelSelector namespaces=[s topologyKey!=s
core.v1.PodAntiAffinity preferredDuringSchedulingIgnoredDuringExecution=[core.v1.WeightedPodAffinityTerm requiredDuringSchedulingIgnoredDuringExecution=[core.v1.PodAffinityTerm
core.v1.PodCertificateProjection certificateChainPath=s credentialBundlePath=s keyPath=s keyType!=s maxExpirationSeconds=i signerName!=s userAnnotations={s
core.v1.PodCondition lastProbeTime=t lastTransitionTime=t message=s observedGeneration=l reason=s status!=s type!=s
core.v1.PodDNSConfig nameservers=[s options=[core.v1.PodDNSConfigOption searches=[s
core.v1.PodDNSConfigOption name=s value=s
core.v1.PodExtendedResourceClaimStatus requestMappings!=[core.v1.ContainerExtendedResourceRequest resourceClaimName!=s
core.v1.PodIP ip!=s
core.v1.PodOS name!=s
core.v1.PodReadinessGate conditionType!=s
core.v1.PodResourceClaim name!=s resourceClaimName=s resourceClaimTemplateName=s
core.v1.PodResourceClaimStatus name!=s resourceClaimName=s
core.v1.PodSchedulingGate name!=s
core.v1.PodSchedulingGroup podGroupName=s
core.v1.PodSecurityContext appArmorProfile=core.v1.AppArmorProfile fsGroup=l fsGroupChangePolicy=s runAsGroup=l runAsNonRoot=b runAsUser=l seLinuxChangePolicy=s seLinuxOptions=core.v1.SELinuxOptions seccompProfile=core.v1.SeccompProfile supplementalGroups=[l supplementalGroupsPolicy=s sysctls=[core.v1.Sysctl windowsOptions=core.v1.WindowsSecurityContextOptions
core.v1.PodSpec activeDeadlineSeconds=l affinity=core.v1.Affinity automountServiceAccountToken=b containers!=[(name)~name;core.v1.Container dnsConfig=core.v1.PodDNSConfig dnsPolicy=s enableServiceLinks=b ephemeralContainers=[(name)~name;core.v1.EphemeralContainer hostAliases=[(ip)~ip;core.v1.HostAlias hostIPC=b hostNetwork=b hostPID=b hostUsers=b hostname=s hostnameOverride=s imagePullSecrets=[(name)~name;core.v1.LocalObjectReference initContainers=[(name)~name;core.v1.Container nodeName=s nodeSelector={@s os=core.v1.PodOS overhead={Q preemptionPolicy=s priority=i priorityClassName=s readinessGates=[core.v1.PodReadinessGate resourceClaims=[(name)~name;core.v1.PodResourceClaim resources=core.v1.ResourceRequirements restartPolicy=s runtimeClassName=s schedulerName=s schedulingGates=[(name)~name;core.v1.PodSchedulingGate schedulingGroup=core.v1.PodSchedulingGroup securityContext=core.v1.PodSecurityContext serviceAccount=s serviceAccountName=s setHostnameAsFQDN=b shareProcessNamespace=b subdomain=s terminationGracePeriodSeconds=l tolerations=[core.v1.Toleration topologySpreadConstraints=[(topologyKey,whenUnsatisfiable)~topologyKey;core.v1.TopologySpreadConstraint volumes=[(name)~name;core.v1.Volume
core.v1.PodStatus allocatedResources={Q conditions=[(type)~type;core.v1.PodCondition containerStatuses=[core.v1.ContainerStatus ephemeralContainerStatuses=[core.v1.ContainerStatus extendedResourceClaimStatus=core.v1.PodExtendedResourceClaimStatus hostIP=s hostIPs=[~ip;core.v1.HostIP initContainerStatuses=[core.v1.ContainerStatus message=s nodeAllocatableResourceClaimStatuses=[core.v1.NodeAllocatableResourceClaimStatus nominatedNodeName=s observedGeneration=l phase=s podIP=s podIPs=[(ip)~ip;core.v1.PodIP qosClass=s reason=s resize=s resourceClaimStatuses=[(name)~name;core.v1.PodResourceClaimStatus resources=core.v1.ResourceRequirements startTime=t
core.v1.PodTemplateSpec metadata=meta.v1.ObjectMeta. spec=core.v1.PodSpec.
core.v1.PortStatus error=s port!=i protocol!=s
core.v1.PortworxVolumeSource fsType=s readOnly=b volumeID!=s
core.v1.PreferredSchedulingTerm preference!=core.v1.NodeSelectorTerm. weight!=i
core.v1.Probe exec=core.v1.ExecAction failureThreshold=i grpc=core.v1.GRPCAction httpGet=core.v1.HTTPGetAction initialDelaySeconds=i periodSeconds=i successThreshold=i tcpSocket=core.v1.TCPSocketAction terminationGracePeriodSeconds=l timeoutSeconds=i
core.v1.ProjectedVolumeSource defaultMode=i sources=[core.v1.VolumeProjection
core.v1.QuobyteVolumeSource group=s readOnly=b registry!=s tenant=s user=s volume!=s
core.v1.RBDPersistentVolumeSource fsType=s image!=s keyring=s:/etc/ceph/keyring monitors!=[s pool=s:rbd readOnly=b secretRef=core.v1.SecretReference user=s:admin
core.v1.RBDVolumeSource fsType=s image!=s keyring=s:/etc/ceph/keyring monitors!=[s pool=s:rbd readOnly=b secretRef=core.v1.LocalObjectReference user=s:admin
core.v1.ResourceClaim name!=s request=s
core.v1.ResourceFieldSelector@ containerName=s divisor=Q resource!=s
core.v1.ResourceHealth health=s message=s resourceID!=s
core.v1.ResourceQuota apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=core.v1.ResourceQuotaSpec. status=core.v1.ResourceQuotaStatus.
core.v1.ResourceQuotaSpec hard={Q scopeSelector=core.v1.ScopeSelector scopes=[s
core.v1.ResourceQuotaStatus hard={Q used={Q
core.v1.ResourceRequirements claims=[(name)core.v1.ResourceClaim limits={Q requests={Q
core.v1.ResourceStatus name!=s resources=[(resourceID)core.v1.ResourceHealth
core.v1.SELinuxOptions level=s role=s type=s user=s
core.v1.ScaleIOPersistentVolumeSource fsType=s:xfs gateway!=s protectionDomain=s readOnly=b secretRef!=core.v1.SecretReference sslEnabled=b storageMode=s:ThinProvisioned storagePool=s system!=s volumeName=s
core.v1.ScaleIOVolumeSource fsType=s:xfs gateway!=s protectionDomain=s readOnly=b secretRef!=core.v1.LocalObjectReference sslEnabled=b storageMode=s:ThinProvisioned storagePool=s system!=s volumeName=s
core.v1.ScopeSelector@ matchExpressions=[core.v1.ScopedResourceSelectorRequirement
core.v1.ScopedResourceSelectorRequirement operator!=s scopeName!=s values=[s
core.v1.SeccompProfile localhostProfile=s type!=s
core.v1.Secret apiVersion=s data={y immutable=b kind=s metadata=meta.v1.ObjectMeta. stringData={s type=s
core.v1.SecretEnvSource name=s optional=b
core.v1.SecretKeySelector@ key!=s name=s optional=b
core.v1.SecretProjection items=[core.v1.KeyToPath name=s optional=b
core.v1.SecretReference@ name=s namespace=s
core.v1.SecretVolumeSource defaultMode=i items=[core.v1.KeyToPath optional=b secretName=s
core.v1.SecurityContext allowPrivilegeEscalation=b appArmorProfile=core.v1.AppArmorProfile capabilities=core.v1.Capabilities privileged=b procMount=s readOnlyRootFilesystem=b runAsGroup=l runAsNonRoot=b runAsUser=l seLinuxOptions=core.v1.SELinuxOptions seccompProfile=core.v1.SeccompProfile windowsOptions=core.v1.WindowsSecurityContextOptions
core.v1.Service apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=core.v1.ServiceSpec. status=core.v1.ServiceStatus.
core.v1.ServiceAccount apiVersion=s automountServiceAccountToken=b imagePullSecrets=[core.v1.LocalObjectReference kind=s metadata=meta.v1.ObjectMeta. secrets=[(name)~name;core.v1.ObjectReference
core.v1.ServiceAccountTokenProjection audience=s expirationSeconds=l path!=s
core.v1.ServicePort appProtocol=s name=s nodePort=i port!=i protocol=s:TCP targetPort=q
core.v1.ServiceSpec allocateLoadBalancerNodePorts=b clusterIP=s clusterIPs=[s externalIPs=[s externalName=s externalTrafficPolicy=s healthCheckNodePort=i internalTrafficPolicy=s ipFamilies=[s ipFamilyPolicy=s loadBalancerClass=s loadBalancerIP=s loadBalancerSourceRanges=[s ports=[(port,protocol)~port;core.v1.ServicePort publishNotReadyAddresses=b selector={@s sessionAffinity=s sessionAffinityConfig=core.v1.SessionAffinityConfig trafficDistribution=s type=s
core.v1.ServiceStatus conditions=[(type)~type;meta.v1.Condition loadBalancer=core.v1.LoadBalancerStatus.
core.v1.SessionAffinityConfig clientIP=core.v1.ClientIPConfig
core.v1.SleepAction seconds!=l
core.v1.StorageOSPersistentVolumeSource fsType=s readOnly=b secretRef=core.v1.ObjectReference volumeName=s volumeNamespace=s
core.v1.StorageOSVolumeSource fsType=s readOnly=b secretRef=core.v1.LocalObjectReference volumeName=s volumeNamespace=s
core.v1.Sysctl name!=s value!=s
core.v1.TCPSocketAction host=s port!=q
core.v1.Taint effect!=s key!=s timeAdded=t value=s
core.v1.Toleration effect=s key=s operator=s tolerationSeconds=l value=s
core.v1.TopologySelectorLabelRequirement key!=s values!=[s
core.v1.TopologySelectorTerm@ matchLabelExpressions=[core.v1.TopologySelectorLabelRequirement
core.v1.TopologySpreadConstraint labelSelector=meta.v1.LabelSelector matchLabelKeys=[s maxSkew!=i minDomains=i nodeAffinityPolicy=s nodeTaintsPolicy=s topologyKey!=s whenUnsatisfiable!=s
core.v1.TypedLocalObjectReference@ apiGroup=s kind!=s name!=s
core.v1.TypedObjectReference apiGroup=s kind!=s name!=s namespace=s
core.v1.Volume awsElasticBlockStore=core.v1.AWSElasticBlockStoreVolumeSource azureDisk=core.v1.AzureDiskVolumeSource azureFile=core.v1.AzureFileVolumeSource cephfs=core.v1.CephFSVolumeSource cinder=core.v1.CinderVolumeSource configMap=core.v1.ConfigMapVolumeSource csi=core.v1.CSIVolumeSource downwardAPI=core.v1.DownwardAPIVolumeSource emptyDir=core.v1.EmptyDirVolumeSource ephemeral=core.v1.EphemeralVolumeSource fc=core.v1.FCVolumeSource flexVolume=core.v1.FlexVolumeSource flocker=core.v1.FlockerVolumeSource gcePersistentDisk=core.v1.GCEPersistentDiskVolumeSource gitRepo=core.v1.GitRepoVolumeSource glusterfs=core.v1.GlusterfsVolumeSource hostPath=core.v1.HostPathVolumeSource image=core.v1.ImageVolumeSource iscsi=core.v1.ISCSIVolumeSource name!=s nfs=core.v1.NFSVolumeSource persistentVolumeClaim=core.v1.PersistentVolumeClaimVolumeSource photonPersistentDisk=core.v1.PhotonPersistentDiskVolumeSource portworxVolume=core.v1.PortworxVolumeSource projected=core.v1.ProjectedVolumeSource quobyte=core.v1.QuobyteVolumeSource rbd=core.v1.RBDVolumeSource scaleIO=core.v1.ScaleIOVolumeSource secret=core.v1.SecretVolumeSource storageos=core.v1.StorageOSVolumeSource vsphereVolume=core.v1.VsphereVirtualDiskVolumeSource
core.v1.VolumeDevice devicePath!=s name!=s
core.v1.VolumeMount mountPath!=s mountPropagation=s name!=s readOnly=b recursiveReadOnly=s subPath=s subPathExpr=s
core.v1.VolumeMountStatus mountPath!=s name!=s readOnly=b recursiveReadOnly=s volumeStatus=core.v1.VolumeStatus
core.v1.VolumeNodeAffinity required=core.v1.NodeSelector
core.v1.VolumeProjection clusterTrustBundle=core.v1.ClusterTrustBundleProjection configMap=core.v1.ConfigMapProjection downwardAPI=core.v1.DownwardAPIProjection podCertificate=core.v1.PodCertificateProjection secret=core.v1.SecretProjection serviceAccountToken=core.v1.ServiceAccountTokenProjection
core.v1.VolumeResourceRequirements limits={Q requests={Q
core.v1.VolumeStatus image=core.v1.ImageVolumeStatus
core.v1.VsphereVirtualDiskVolumeSource fsType=s storagePolicyID=s storagePolicyName=s volumePath!=s
core.v1.WeightedPodAffinityTerm podAffinityTerm!=core.v1.PodAffinityTerm. weight!=i
core.v1.WindowsSecurityContextOptions gmsaCredentialSpec=s gmsaCredentialSpecName=s hostProcess=b runAsUserName=s
discovery.v1.Endpoint addresses!=[(*)s conditions=discovery.v1.EndpointConditions. deprecatedTopology={s hints=discovery.v1.EndpointHints hostname=s nodeName=s targetRef=core.v1.ObjectReference zone=s
discovery.v1.EndpointConditions ready=b serving=b terminating=b
discovery.v1.EndpointHints forNodes=[discovery.v1.ForNode forZones=[discovery.v1.ForZone
discovery.v1.EndpointPort@ appProtocol=s name=s port=i protocol=s
discovery.v1.EndpointSlice addressType!=s apiVersion=s endpoints=[discovery.v1.Endpoint kind=s metadata=meta.v1.ObjectMeta. ports=[discovery.v1.EndpointPort
discovery.v1.ForNode name!=s
discovery.v1.ForZone name!=s
meta.v1.Condition lastTransitionTime!=t message!=s observedGeneration=l reason!=s status!=s type!=s
meta.v1.DeleteOptions apiVersion=s dryRun=[s gracePeriodSeconds=l ignoreStoreReadErrorWithClusterBreakingPotential=b kind=s orphanDependents=b preconditions=meta.v1.Preconditions propagationPolicy=s
meta.v1.LabelSelector@ matchExpressions=[meta.v1.LabelSelectorRequirement matchLabels={s
meta.v1.LabelSelectorRequirement key!=s operator!=s values=[s
meta.v1.ManagedFieldsEntry apiVersion=s fieldsType=s fieldsV1=* manager=s operation=s subresource=s time=t
meta.v1.ObjectMeta annotations={s creationTimestamp=t deletionGracePeriodSeconds=l deletionTimestamp=t finalizers=[(*)~;s generateName=s generation=l labels={s managedFields=[meta.v1.ManagedFieldsEntry name=s namespace=s ownerReferences=[(uid)~uid;meta.v1.OwnerReference resourceVersion=s selfLink=s uid=s
meta.v1.OwnerReference@ apiVersion!=s blockOwnerDeletion=b controller=b kind!=s name!=s uid!=s
meta.v1.Preconditions resourceVersion=s uid=s
networking.v1.HTTPIngressPath backend!=networking.v1.IngressBackend. path=s pathType!=s
networking.v1.HTTPIngressRuleValue paths!=[networking.v1.HTTPIngressPath
networking.v1.IPBlock cidr!=s except=[s
networking.v1.Ingress apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=networking.v1.IngressSpec. status=networking.v1.IngressStatus.
networking.v1.IngressBackend resource=core.v1.TypedLocalObjectReference service=networking.v1.IngressServiceBackend
networking.v1.IngressClass apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=networking.v1.IngressClassSpec.
networking.v1.IngressClassParametersReference apiGroup=s kind!=s name!=s namespace=s scope=s
networking.v1.IngressClassSpec controller=s parameters=networking.v1.IngressClassParametersReference
networking.v1.IngressLoadBalancerIngress hostname=s ip=s ports=[networking.v1.IngressPortStatus
networking.v1.IngressLoadBalancerStatus ingress=[networking.v1.IngressLoadBalancerIngress
networking.v1.IngressPortStatus error=s port!=i protocol!=s
networking.v1.IngressRule host=s http=networking.v1.HTTPIngressRuleValue
networking.v1.IngressServiceBackend name!=s port=networking.v1.ServiceBackendPort.
networking.v1.IngressSpec defaultBackend=networking.v1.IngressBackend ingressClassName=s rules=[networking.v1.IngressRule tls=[networking.v1.IngressTLS
networking.v1.IngressStatus loadBalancer=networking.v1.IngressLoadBalancerStatus.
networking.v1.IngressTLS hosts=[s secretName=s
networking.v1.NetworkPolicy apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=networking.v1.NetworkPolicySpec.
networking.v1.NetworkPolicyEgressRule ports=[networking.v1.NetworkPolicyPort to=[networking.v1.NetworkPolicyPeer
networking.v1.NetworkPolicyIngressRule from=[networking.v1.NetworkPolicyPeer ports=[networking.v1.NetworkPolicyPort
networking.v1.NetworkPolicyPeer ipBlock=networking.v1.IPBlock namespaceSelector=meta.v1.LabelSelector podSelector=meta.v1.LabelSelector
networking.v1.NetworkPolicyPort endPort=i port=q protocol=s
networking.v1.NetworkPolicySpec egress=[networking.v1.NetworkPolicyEgressRule ingress=[networking.v1.NetworkPolicyIngressRule podSelector=meta.v1.LabelSelector. policyTypes=[s
networking.v1.ServiceBackendPort@ name=s number=i
policy.v1.Eviction apiVersion=s deleteOptions=meta.v1.DeleteOptions kind=s metadata=meta.v1.ObjectMeta.
policy.v1.PodDisruptionBudget apiVersion=s kind=s metadata=meta.v1.ObjectMeta. spec=policy.v1.PodDisruptionBudgetSpec. status=policy.v1.PodDisruptionBudgetStatus.
policy.v1.PodDisruptionBudgetSpec maxUnavailable=q minAvailable=q selector=meta.v1.LabelSelector unhealthyPodEvictionPolicy=s
policy.v1.PodDisruptionBudgetStatus conditions=[(type)~type;meta.v1.Condition currentHealthy=i desiredHealthy=i disruptedPods={t disruptionsAllowed=i expectedPods=i observedGeneration=l
rbac.v1.AggregationRule clusterRoleSelectors=[meta.v1.LabelSelector
rbac.v1.ClusterRole aggregationRule=rbac.v1.AggregationRule apiVersion=s kind=s metadata=meta.v1.ObjectMeta. rules=[rbac.v1.PolicyRule
rbac.v1.ClusterRoleBinding apiVersion=s kind=s metadata=meta.v1.ObjectMeta. roleRef!=rbac.v1.RoleRef. subjects=[rbac.v1.Subject
rbac.v1.PolicyRule apiGroups=[s nonResourceURLs=[s resourceNames=[s resources=[s verbs!=[s
rbac.v1.Role apiVersion=s kind=s metadata=meta.v1.ObjectMeta. rules=[rbac.v1.PolicyRule
rbac.v1.RoleBinding apiVersion=s kind=s metadata=meta.v1.ObjectMeta. roleRef!=rbac.v1.RoleRef. subjects=[rbac.v1.Subject
rbac.v1.RoleRef@ apiGroup=s kind!=s name!=s
rbac.v1.Subject@ apiGroup=s kind!=s name!=s namespace=s
scheduling.v1.PriorityClass apiVersion=s description=s globalDefault=b kind=s metadata=meta.v1.ObjectMeta. preemptionPolicy=s value=i
storage.v1.StorageClass allowVolumeExpansion=b allowedTopologies=[core.v1.TopologySelectorTerm apiVersion=s kind=s metadata=meta.v1.ObjectMeta. mountOptions=[s parameters={s provisioner!=s reclaimPolicy=s volumeBindingMode=s
`;
