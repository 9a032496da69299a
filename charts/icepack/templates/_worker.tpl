{{- define "icepack.worker.pod" -}}
{{- include "icepack.pod" . }}
terminationGracePeriodSeconds: {{ .Values.worker.terminationGracePeriodSeconds }}
{{- with .Values.worker.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.worker.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.worker.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* A node that is drained waits for a worker; a job that is cut short only costs time. */}}
{{- define "icepack.worker.annotations" -}}
cluster-autoscaler.kubernetes.io/safe-to-evict: "false"
karpenter.sh/do-not-disrupt: "true"
{{- with .Values.worker.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}
