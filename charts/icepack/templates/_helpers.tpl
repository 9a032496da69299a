{{- define "icepack.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* Room is left for the longest suffix that the templates add. */}}
{{- define "icepack.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "icepack.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "icepack.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "icepack.selector" -}}
app.kubernetes.io/name: {{ include "icepack.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "icepack.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{ include "icepack.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "icepack.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "icepack.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "icepack.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}

{{- /* What every pod has. Service links are off: Kubernetes would set ICEPACK_PORT to a URL. */}}
{{- define "icepack.pod" -}}
serviceAccountName: {{ include "icepack.serviceAccount" . }}
automountServiceAccountToken: {{ .Values.automountServiceAccountToken | default false }}
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
volumes:
  - name: tmp
    emptyDir: {}
{{- with .Values.extraVolumes }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end }}

{{- define "icepack.container" -}}
image: {{ include "icepack.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
workingDir: /tmp
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
envFrom:
  - configMapRef:
      name: {{ include "icepack.fullname" . }}
{{- range .Values.envFromSecrets }}
  - secretRef:
      name: {{ . }}
{{- end }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end }}

{{- define "icepack.env" -}}
- name: ICEPACK_POSTGRES_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .Values.postgres.passwordSecret.name }}
      key: {{ .Values.postgres.passwordSecret.key }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "icepack.settings" -}}
ICEPACK_HOST: "0.0.0.0"
ICEPACK_PORT: "8000"
{{- if not (hasKey .Values.config "api_url") }}
ICEPACK_API_URL: {{ printf "http://%s:%v" (include "icepack.fullname" .) .Values.api.service.port | quote }}
{{- end }}
{{- if and .Values.healthSync.enabled (not (hasKey .Values.config "health_sync_interval_seconds")) }}
ICEPACK_HEALTH_SYNC_INTERVAL_SECONDS: "0"
{{- end }}
{{- if and .Values.healthSync.enabled (not (hasKey .Values.config "health_sync_staleness_seconds")) }}
ICEPACK_HEALTH_SYNC_STALENESS_SECONDS: {{ .Values.healthSync.staleAfterSeconds | quote }}
{{- end }}
ICEPACK_POSTGRES_HOST: {{ .Values.postgres.host | quote }}
ICEPACK_POSTGRES_PORT: {{ .Values.postgres.port | quote }}
ICEPACK_POSTGRES_DATABASE: {{ .Values.postgres.database | quote }}
ICEPACK_POSTGRES_USER: {{ .Values.postgres.user | quote }}
ICEPACK_LOG_FORMAT: {{ index .Values.config "log_format" | default "json" | quote }}
{{- range $key, $value := .Values.config }}
{{- if and (ne (toString $value) "") (ne $key "log_format") }}
ICEPACK_{{ upper $key }}: {{ toString $value | quote }}
{{- end }}
{{- end }}
{{- end }}
